"""`vestibule serve`: the server, in the foreground."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, fail, settings_from
from vestibule.config import Settings
from vestibule.server import Server
from vestibule.telemetry.logs import configure_logs


def serve(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run the server until Ctrl-C or SIGTERM.

    Reads vestibule.toml (see `vestibule init`). People, devices and policies may be changed meanwhile with
    the other commands; the server notices within two seconds.
    """
    run_server(settings_from(config), pid_file=None, when_up=None)


def run_server(
    settings: Settings,
    *,
    pid_file: Path | None,
    when_up: Callable[[Server], Awaitable[None]] | None,
) -> None:
    """Run a server until a signal ends it; tell `when_up` once it listens."""
    configure_logs(json=settings.log_json)
    try:
        uvloop.run(_run(settings, pid_file, when_up))
    except OSError as error:
        fail(f"can't start: {error}")


async def _run(
    settings: Settings,
    pid_file: Path | None,
    when_up: Callable[[Server], Awaitable[None]] | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    server = Server(settings)
    await server.start()
    try:
        if pid_file is not None:
            pid_file.write_text(f"{os.getpid()}\n")
        if when_up is not None:
            await when_up(server)
        await stop.wait()
    finally:
        if pid_file is not None:
            pid_file.unlink(missing_ok=True)
        await server.stop()
