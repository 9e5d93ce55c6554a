"""`vestibule serve`: the server, in the foreground."""

import asyncio
import fcntl
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import uvloop

from vestibule.cli.output import fail
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, settings_from
from vestibule.config import Settings
from vestibule.fips import report
from vestibule.pki.files import private_folder
from vestibule.store.engine import SchemaTooNew
from vestibule.telemetry.logs import configure_logs

if TYPE_CHECKING:
    from vestibule.server import Server

WhenUp = Callable[["Server"], Awaitable[None]]


def serve(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run the server until Ctrl-C or SIGTERM.

    Reads vestibule.toml (see `vestibule init`). People, devices and policies may be changed
    meanwhile with the other commands; the server notices within two seconds.
    """
    settings = settings_from(config)
    if not (settings.pki_dir / "issuing.pem").exists():
        fail(f"there is no authority in {settings.pki_dir}: `vestibule init` makes one")
    with only_server_of(settings.data_dir):
        run_server(settings)


def run_server(
    settings: Settings,
    *,
    pid_file: Path | None = None,
    when_up: WhenUp | None = None,
    level: int = logging.INFO,
) -> None:
    """Run a server until a signal ends it; tell `when_up` once it listens.

    `pid_file` is there while the server listens.
    """
    configure_logs(json=settings.log_json, level=level)
    if settings.fips:
        report(structlog.get_logger(__name__))
    try:
        uvloop.run(_run(settings, pid_file, when_up))
    except (OSError, ValueError, SchemaTooNew) as error:
        low = min(settings.https_port, settings.sip_tls_port, *settings.turn_ports) < 1024
        denied = isinstance(error, PermissionError) and error.filename is None
        hint = "; ports below 1024 need root or CAP_NET_BIND_SERVICE" if denied and low else ""
        fail(f"can't start: {error}{hint}")


@contextmanager
def only_server_of(data_dir: Path) -> Iterator[None]:
    """Keep every other server off a data folder; ends the command if one is there."""
    try:
        private_folder(data_dir)
    except OSError as error:
        fail(f"can't use {data_dir}: {error.strerror or error}")
    with (data_dir / "server.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail(f"a server is running on {data_dir} already: stop it, or use another data folder")
        yield


async def _run(settings: Settings, pid_file: Path | None, when_up: WhenUp | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    # Most commands never serve: they need not wait for all that a server is made of.
    from vestibule.server import Server  # noqa: PLC0415

    server = Server(settings)
    await server.start()
    try:
        with _noted(pid_file):
            if when_up is not None:
                await when_up(server)
            await stop.wait()
    finally:
        await server.stop()


@contextmanager
def _noted(pid_file: Path | None) -> Iterator[None]:
    """Keep our process id in a file for as long as we listen."""
    if pid_file is None:
        yield
        return
    pid_file.write_text(f"{os.getpid()}\n")
    try:
        yield
    finally:
        pid_file.unlink(missing_ok=True)
