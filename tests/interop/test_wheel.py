"""The wheel alone, in an empty environment, is the whole product: `vestibule demo` with its web client."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.sip_line import request

_ROOT = Path(__file__).parents[2]
_TOOLS = Path(sys.executable).parent
pytestmark = pytest.mark.timeout(600)  # compiles, if nothing has been built before


def _run(*arguments: str | Path) -> None:
    result = subprocess.run(
        arguments, cwd=_ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "VIRTUAL_ENV": str(_TOOLS.parent)},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-4000:]


@pytest.fixture
def command(tmp_path: Path) -> str:
    """`vestibule` from a wheel, in an environment that holds nothing else but what it depends on."""
    _run(_TOOLS / "maturin", "build", "--release", "--locked", "--out", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    environment = tmp_path / "environment"
    _run(_TOOLS / "uv", "venv", "--python", sys.executable, environment)
    python = environment / "bin" / "python"
    install = (_TOOLS / "uv", "pip", "install", "--python", python)
    _run(*install, "-r", _ROOT / "requirements.lock")
    _run(*install, "--no-deps", "--compile-bytecode", wheel)
    return str(environment / "bin" / "vestibule")


@pytest.fixture
def deployment(command: str, tmp_path: Path) -> Iterator[Deployment]:
    """The demo that the wheel gives, on a host of the test's own."""
    with Network() as network:
        host = network.server
        with Deployment(host, tmp_path / "demo", command=command) as deployment:
            yield deployment


def test_the_wheel_alone_gives_the_demo(deployment: Deployment) -> None:
    transport = HostTransport(deployment.host, deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as browser:
        page = browser.get("/")
        assert page.status_code == 200
        script = re.search(r'src="(/assets/[^"]+\.js)"', page.text)
        assert script, page.text
        assert browser.get(script[1]).headers["content-type"].startswith("text/javascript")
        assert browser.get("/identity/.well-known/openid-configuration").status_code == 200
    alice = deployment.user("alice").sip
    with device_line(deployment.host, deployment, "alice") as line:
        assert line.ask(request("REGISTER", "sip:vestibule.test", alice, to=alice)) == 200
