"""`vestibule demo` as a process: what it prints and leaves, how it ends, whom it refuses."""

import contextlib
import json
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.deadline import eventually
from tests.unit.cli.installation import Installation
from vestibule.cli.free_ports import free_port, local_address
from vestibule.cli.serve import only_server_of

_COMMAND = [sys.executable, "-c", "from vestibule.cli import app; app(prog_name='vestibule')"]


@contextlib.contextmanager
def demo(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A demo that is up."""
    command = [*_COMMAND, "demo", "--data", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def is_up() -> bool:
        assert process.poll() is None, process.communicate()[0]
        return (folder / "server.pid").exists()

    try:
        eventually(is_up, "the demo to be up", 60.0)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_it_says_how_to_begin_and_ctrl_c_stops_it(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with demo(folder) as process:
        facts = json.loads((folder / "demo.json").read_text())
        assert stat.S_IMODE((folder / "demo.json").stat().st_mode) == 0o600
        assert int(Path(facts["server_pid_file"]).read_text()) == process.pid
        for port in (facts["https_port"], facts["sip_tls_port"]):
            socket.create_connection((facts["host"], port), 5.0).close()
        second = subprocess.run(
            [*_COMMAND, "demo", "--data", str(folder)], capture_output=True, text=True, check=False
        )
        assert second.returncode == 1
        assert "running on" in second.stderr
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in said
    assert not Path(facts["server_pid_file"]).exists()
    for user in facts["users"].values():
        assert user["password"] in said
    assert facts["meeting"]["link"] in said
    assert facts["ca_file"] in said
    assert "SHA-256 fingerprint" in said


def test_a_taken_port_is_left_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = free_port("127.0.0.1", None, port, udp=False, not_these=frozenset({port + 1}))
    assert found > port + 1


def test_an_address_of_elsewhere_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert local_address("localhost") in {"127.0.0.1", "::1"}
    with pytest.raises(Exception, match="1"):
        local_address("192.0.2.1")
    assert "can't listen there" in capsys.readouterr().err


def test_serving_twice_from_one_folder_is_refused(installation: Installation) -> None:
    with only_server_of(installation.data):
        assert "a server is running" in installation.refusal("serve")


def test_serving_without_an_authority_says_what_to_do(installation: Installation) -> None:
    (installation.data / "pki" / "issuing.pem").unlink()
    assert "vestibule init" in installation.refusal("serve")
