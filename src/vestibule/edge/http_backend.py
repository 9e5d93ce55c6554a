"""The ASGI application behind the native edge: uvicorn, in this loop, on a private Unix socket.

The edge ends TLS and leads each connection with a PROXY header. From it the application gets the
client's true address (`scope["client"]`), `scheme` "https" and, under
`scope["extensions"]["vestibule.client_certificate"]`, the DER of a verified client certificate or
None. A connection that doesn't begin with that header didn't come from the edge and is closed.
WebSockets are the edge's business: an upgrade that reaches the application is answered as an
ordinary request.
"""

import asyncio
import contextlib
import errno
import os
import socket
import stat
from collections.abc import Generator
from pathlib import Path
from typing import Any

import uvicorn

from vestibule.edge.proxied_http import ProxiedHttp

_GRACE_SECONDS = 5
_KEEP_ALIVE_SECONDS = 75
_BACKLOG = 1024
_LONGEST_PATH = 107


class BackendError(RuntimeError):
    """The application didn't start."""


class HttpBackend:
    """Serves one ASGI application to one edge."""

    def __init__(self, app: Any, folder: Path, name: str = "http") -> None:
        """`folder` is made, and kept to ourselves (mode 0700); the socket's path must fit into 107
        octets, or ValueError is raised. `path` is what the edge is told; applications differ in `name`.
        """
        self.path = folder / f"{name}.sock"
        if len(bytes(self.path)) > _LONGEST_PATH:
            raise ValueError(f"path too long for a Unix socket: {self.path}")
        self._server = _Server(
            uvicorn.Config(
                app,
                http=ProxiedHttp,
                ws="none",
                loop="none",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen and return once requests are served. Raises BackendError or OSError."""
        listening = _listen(self.path)
        serving = asyncio.create_task(self._server.serve([listening]), name="http-backend")
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            listening.close()
            self.path.unlink(missing_ok=True)
            await serving
            raise BackendError("the application ended before it began")
        self._serving = serving

    async def stop(self) -> None:
        """Take no more requests, finish those that run (for five seconds), and end."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
            self._serving = None
            self.path.unlink(missing_ok=True)


class _Server(uvicorn.Server):
    """uvicorn's server as a part of ours: signals and the process's end aren't its business."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:
            raise BackendError("the application's own start failed") from None
        self.ready.set()


def _listen(path: Path) -> socket.socket:
    """A socket that only we may connect to, in a folder that only we may enter."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_foreign(path.parent)
    path.parent.chmod(0o700)
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(str(path))
        path.chmod(0o600)
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


def _refuse_foreign(folder: Path) -> None:
    """A folder that somebody else has put where ours should be. Raises PermissionError."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "not a folder of ours", str(folder))
