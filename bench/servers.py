"""The servers that are measured, each in a process of its own with the same people in it."""

import asyncio
import json
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen, TimeoutExpired, run

from bench.load import Account, Target
from vestibule.cli.demo_data import DOMAIN
from vestibule.cli.devices import ha1_sha256
from vestibule.cli.workspace import Workspace, open_workspace
from vestibule.config import Settings
from vestibule.directory.model import TenantPolicy
from vestibule.pki.authority import Authority
from vestibule.pki.files import private_folder

START_SECONDS = 60.0
_HOST = "127.0.0.1"
_SECRET = "secret"  # stands in kamailio.cfg too


class CannotStart(Exception):
    """A server that isn't there; the message says what it said."""


class HasEnded(Exception):
    """A server that ended under load."""


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs. `pid` is of the process whose family is measured."""

    name: str
    version: str
    pid: int
    target: Target
    process: Popen[bytes]
    """The one that we started."""

    def require_running(self) -> None:
        """Raises HasEnded if it doesn't run any more."""
        status = self.process.poll()
        if status is not None:
            raise HasEnded(f"{self.name} ended with status {status}")


def accounts(number: int) -> list[Account]:
    """People that every server here knows."""
    return [Account(f"load{index:04}", DOMAIN, _SECRET) for index in range(number)]


@contextmanager
def vestibule(folder: Path, people: Sequence[Account]) -> Iterator[Server]:
    """`vestibule demo` in a folder, with these people besides its own."""
    private_folder(folder)
    settings = Settings(data_dir=folder, host=_HOST, bind=_HOST, domains=(DOMAIN,))
    asyncio.run(_add_people(settings, people))
    command = [str(Path(sys.executable).parent / "vestibule"), "demo", "--data", str(folder)]
    pid_file = folder / "server.pid"
    with _running(command, folder / "server.log", pid_file.exists) as process:
        facts = json.loads((folder / "demo.json").read_text())
        target = Target(facts["host"], facts["sip_tls_port"], Path(facts["ca_file"]))
        pid = int(pid_file.read_text())
        yield Server("Vestibule", version("vestibule"), pid, target, process)


@contextmanager
def kamailio(folder: Path) -> Iterator[Server]:
    """Kamailio as `kamailio.cfg` says, which lets everybody in who knows the secret.

    Its certificate is of the same kind as ours: same keys, same chain.
    """
    command = shutil.which("kamailio", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if command is None:
        raise CannotStart("Kamailio is missing: `scripts/system-packages bench` installs it")
    authority = Authority(folder / "pki", f"https://{_HOST}/pki")
    authority.create((_HOST,))
    authority.issue_server((_HOST,))
    port = _free_port()
    template = Path(__file__).with_name("kamailio.cfg").read_text()
    file = folder / "kamailio.cfg"
    file.write_text(template.replace("@DIR@", str(authority.folder)).replace("@PORT@", str(port)))
    options = ["-f", str(file), "-DD", "-E", "-Y", str(folder), "-m", "512", "-M", "16"]
    log = folder / "server.log"
    with _running([command, *options], log, lambda: _is_listening(port)) as process:
        target = Target(_HOST, port, authority.folder / "authority.pem")
        yield Server("Kamailio", _kamailio_version(command), process.pid, target, process)


async def _add_people(settings: Settings, people: Sequence[Account]) -> None:
    """Put people and their phones' secrets into a demo's data before it starts.

    The command line does the same one by one, with a password for each, which takes a second.
    """
    async with open_workspace(settings) as workspace:
        policy = TenantPolicy(device_digest=True)
        tenant = await workspace.directory.add_tenant("Bench", (DOMAIN,), policy)
        for account in people:
            await _add_person(workspace, tenant.id, account)


async def _add_person(workspace: Workspace, tenant: str, account: Account) -> None:
    directory = workspace.directory
    person = await directory.add_person(tenant, account.user, display_name=account.user)
    await directory.add_digest_device(
        person, "phone", ha1_sha256=ha1_sha256(person, account.secret)
    )


@contextmanager
def _running(command: list[str], log: Path, is_up: Callable[[], bool]) -> Iterator[Popen[bytes]]:
    """A process, once it is up, until the end of the block."""
    with log.open("wb") as output, Popen(command, stdout=output, stderr=STDOUT) as process:
        try:
            deadline = time.monotonic() + START_SECONDS
            while not is_up():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise CannotStart(f"{command[0]} did not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.05)
            yield process
        finally:
            _end(process)


def _end(process: Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except TimeoutExpired:
        process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _is_listening(port: int) -> bool:
    try:
        socket.create_connection((_HOST, port), 1.0).close()
    except OSError:
        return False
    return True


def _kamailio_version(command: str) -> str:
    said = run([command, "-v"], stdout=PIPE, check=True, text=True).stdout
    found = re.search(r"kamailio (\S+)", said)
    return found[1] if found else "of unknown version"
