"""Let's Encrypt's ACME test server, Pebble, and a name server that says every name is on this machine."""

import json
import socket
import ssl
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests.certificates import TestAuthority
from tests.clients.deadline import eventually
from tests.clients.namespaces import stopping
from tests.list_server import ListServer

_COMMAND = Path(sys.executable).parent / "pebble"
BLOCKED = "blocked.example"
"""A name that it certifies for nobody."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


class Pebble:
    """It validates by real http-01 requests to `challenge_port` of this machine."""

    def __init__(self, folder: Path, *, seconds: int = 90 * 86400) -> None:
        """`seconds`: how long its certificates live."""
        assert _COMMAND.exists(), "scripts/pebble builds it"
        self.folder = folder
        self.challenge_port = free_port()
        self._lists = ListServer()
        self.tls = TestAuthority("Directory", points=self._lists.base)
        self._lists.publish_lists(self.tls)
        self.authorities = folder / "directory-authority.pem"
        self._port, self._management, self._dns = free_port(), free_port(), free_port()
        self._seconds = seconds
        self._running = ExitStack()

    @property
    def directory(self) -> str:
        return f"https://127.0.0.1:{self._port}/dir"

    def __enter__(self) -> Self:
        self._running.enter_context(self._lists)
        self.folder.mkdir(exist_ok=True)
        self.authorities.write_bytes(self.tls.root_pem)
        names = [
            "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--bind-interfaces",
            "--listen-address=127.0.0.1", f"--port={self._dns}", "--address=/#/127.0.0.1",
            "--conf-file=/dev/null", "--pid-file",
        ]  # fmt: skip
        config = self.folder / "pebble.json"
        config.write_text(json.dumps({"pebble": self._config()}))
        served = [str(_COMMAND), "-config", str(config), "-dnsserver", f"127.0.0.1:{self._dns}"]
        env = {
            "PEBBLE_VA_NOSLEEP": "1",
            "PEBBLE_WFE_NONCEREJECT": "0",
            "PEBBLE_AUTHZREUSE": "0",
            "PATH": "/usr/sbin:/usr/bin:/bin",
        }
        for name, command in (("names", names), ("pebble", served)):
            with (self.folder / f"{name}.log").open("ab") as log:
                process = subprocess.Popen(command, stdout=log, stderr=log, env=env)
            self._running.enter_context(stopping(process))
        eventually(self._is_up, f"Pebble to start ({self.folder}/pebble.log)")
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def wish_renewal(self, certificate_pem: bytes, answer: str) -> None:
        """What it says from now on when asked when that certificate should be renewed (RFC 9773)."""
        body = {"Certificate": certificate_pem.decode(), "ARIResponse": answer}
        self._ask("/set-renewal-info/", json.dumps(body).encode())

    @property
    def root_pem(self) -> str:
        """What its certificates lead to."""
        return self._ask("/roots/0").decode()

    @property
    def log(self) -> str:
        return (self.folder / "pebble.log").read_text()

    def _config(self) -> dict[str, Any]:
        server = self.tls.server("localhost")
        (self.folder / "chain.pem").write_bytes(server.chain_pem)
        (self.folder / "key.pem").write_bytes(server.key_pem)
        return {
            "listenAddress": f"127.0.0.1:{self._port}",
            "managementListenAddress": f"127.0.0.1:{self._management}",
            "certificate": str(self.folder / "chain.pem"),
            "privateKey": str(self.folder / "key.pem"),
            "httpPort": self.challenge_port,
            "tlsPort": 1,
            "domainBlocklist": [BLOCKED],
            "keyAlgorithm": "ecdsa",
            "retryAfter": {"authz": 1, "order": 1},
            "profiles": {"default": {"description": "", "validityPeriod": self._seconds}},
        }

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        url = f"https://127.0.0.1:{self._management}{path}"
        trusting = ssl.create_default_context(cafile=str(self.authorities))
        with urllib.request.urlopen(url, body, context=trusting) as answer:
            return bytes(answer.read())

    def _is_up(self) -> bool:
        try:
            return bool(self._ask("/roots/0"))
        except OSError:
            return False
