"""A TCP port on a host's own loopback that goes on over TLS: for clients that can't speak TLS (Debian's sipp)."""

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
    """Takes connections one after the other; each becomes a TLS connection, with a device's certificate if given."""

    def __init__(self, host: Host, deployment: Deployment, certificate: Path | None) -> None:
        self._host, self._deployment = host, deployment
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
                _carry(near, far)


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
