"""Vestibule itself, started as an admin would: the `vestibule demo` command in a process of its own.

Tests know it only from outside: by `demo.json`, which the command writes for scripts.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from types import TracebackType
from typing import Any

from tests.clients.deadline import eventually
from tests.clients.namespaces import Host, stopping

_COMMAND = str(Path(sys.executable).parent / "vestibule")


@dataclass(frozen=True, slots=True)
class User:
    """A demo person's means to sign in."""

    name: str
    sip: str
    password: str
    device_secret: str
    device_pem: Path


class Deployment:
    """A demo on a host, reachable at that host's address. Everything it says is in `log`."""

    def __init__(
        self,
        host: Host,
        folder: Path,
        *,
        address: str | None = None,
        command: str = _COMMAND,
        env: dict[str, str] | None = None,
    ) -> None:
        """`address`: where to listen, if not at the host's own. `command`: another `vestibule`.
        `env`: settings beside the demo's.
        """
        self.host, self._env = host, env
        self.folder = folder
        self._address, self._command = address or host.address, command
        self.log = folder.parent / f"{folder.name}.log"
        self.facts: dict[str, Any] = {}

    def __enter__(self) -> "Deployment":
        arguments = [self._command, "demo", "--host", self._address, "--data", str(self.folder)]
        self.process: Popen[bytes] = self.host.popen(arguments, log=self.log, env=self._env)
        self._running = stopping(self.process)
        self._running.__enter__()
        eventually(self._is_up, f"the server to start ({self.log})", 60.0)
        self.facts = json.loads((self.folder / "demo.json").read_text())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._running.__exit__(kind, error, traceback)

    def user(self, name: str) -> User:
        """A demo person by name, such as "alice"."""
        facts = self.facts["users"][name]
        return User(
            name, facts["sip"], facts["password"], facts["device_secret"],
            Path(facts["device_pem"]),
        )  # fmt: skip

    def vestibule(self, *arguments: str, typed: str = "") -> str:
        """One more command on the demo's data, while it runs; what it printed."""
        config = str(self.folder / "vestibule.toml")
        done = subprocess.run(
            [self._command, *arguments, "-c", config], capture_output=True, text=True, check=False,
            env={**(self._env or {}), **os.environ}, input=typed,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def revoke_device(self, person: str, name: str) -> None:
        """Take back a device, as an admin would."""
        listed = self.vestibule("device", "list", person).splitlines()
        row = next(line for line in listed if f" {name} " in f"{line} ")
        self.vestibule("device", "revoke", row.split()[0])

    @property
    def authority(self) -> Path:
        """PEM of the authority to trust."""
        return Path(self.facts["ca_file"])

    @property
    def outbound(self) -> str:
        """The SIP URI that phones use as their outbound proxy."""
        return f"sip:{self.facts['host']}:{self.facts['sip_tls_port']}"

    @property
    def origin(self) -> str:
        """Where the web client is."""
        return f"https://{self.facts['host']}:{self.facts['https_port']}"

    def _is_up(self) -> bool:
        assert self.process.poll() is None, f"the server ended: {self.log.read_text()}"
        if not (self.folder / "demo.json").exists():
            return False
        port = json.loads((self.folder / "demo.json").read_text())["sip_tls_port"]
        try:
            self.host.connect(self._address, port, 1.0).close()
        except OSError:
            return False
        return True
