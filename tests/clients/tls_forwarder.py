"""A port on a host's own loopback that goes on over TLS: for clients that can't speak TLS (Debian's sipp), or can't
read our certificates (Debian's linphone)."""

import contextlib
import selectors
import socket
import ssl
import threading
from pathlib import Path
from types import TracebackType

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host


class TlsForwarder:
    """Takes connections one after the other; each becomes a TLS connection, with a device's certificate if given.

    `way_out`: the host that they are made from, if another. `front`: what the client sees is TLS too, by this context.
    """

    def __init__(
        self,
        host: Host,
        deployment: Deployment,
        certificate: Path | None,
        *,
        way_out: Host | None = None,
        front: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self._deployment = way_out or host, deployment
        self._front = front
        self._context = ssl.create_default_context(cafile=str(deployment.authority))
        if certificate is not None:
            self._context.load_cert_chain(certificate)
        self._listening = host.listen("127.0.0.1")
        self.port: int = self._listening.getsockname()[1]

    def __enter__(self) -> "TlsForwarder":
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(20)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            facts = self._deployment.facts
            raw = self._host.connect(facts["host"], facts["sip_tls_port"])
            far = self._context.wrap_socket(raw, server_hostname=facts["host"])
            with near, far, contextlib.suppress(OSError):
                if self._front is None:
                    _carry(near, far)
                    continue
                with self._front.wrap_socket(near, server_side=True) as shown:
                    _carry(shown, far)


def _carry(near: socket.socket, far: ssl.SSLSocket) -> None:
    """Copy both ways until either side ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(near, selectors.EVENT_READ, far)
        selector.register(far, selectors.EVENT_READ, near)
        while True:
            for key, _ in selector.select(20.0):
                source: socket.socket = key.fileobj  # type: ignore[assignment]
                data = source.recv(65536)
                if not data:
                    return
                key.data.sendall(data)
