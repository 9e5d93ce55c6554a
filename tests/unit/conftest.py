"""What several kinds of unit tests need."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def postgres_program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else name


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of our own on a free port, owned by nobody, since it refuses root."""
    folder = tmp_path_factory.mktemp("postgresql")
    for parent in (folder, *folder.parents):
        if parent.owner() == "root" and parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(0o755)
    shutil.chown(folder, "nobody")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        command = [postgres_program(program), *arguments]
        subprocess.run(command, check=True, capture_output=True, user="nobody", cwd="/")

    data = str(folder / "data")
    run("initdb", "-D", data, "-U", "test", "-A", "trust")
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
    run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://test@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
