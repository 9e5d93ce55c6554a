"""A web server for revocation lists that answers what a test tells it to, honest or not."""

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from tests.certificates import Credential, TestAuthority


class ListServer:
    """Listens on loopback; `answers` are whole HTTP answers by path. With `tls` it speaks https."""

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        socket_of: Callable[[str], socket.socket] = lambda host: socket.create_server((host, 0)),
    ) -> None:
        """`socket_of` makes the listening socket, for one of another host."""
        self._tls = tls
        self.answers: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self._listener = socket_of("127.0.0.1")
        self._address, self.port = self._listener.getsockname()[:2]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def base(self) -> str:
        return f"http{'s' if self._tls else ''}://{self._address}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for one in self._open:
            one.close()

    def publish(self, path: str, body: bytes) -> None:
        """Answer that path with these octets."""
        self.answers[path] = answer(200, body)

    def publish_lists(self, authority: TestAuthority, *revoked: Credential) -> None:
        """An authority's two lists, where `TestAuthority(points=base)` says they are."""
        issuers, roots = authority.crls(*revoked)
        self.publish("/issuer.crl", issuers)
        self.publish("/root.crl", roots)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            request = bytearray()
            while b"\r\n\r\n" not in request:
                if not (data := connection.recv(4096)):
                    return
                request += data
            path = request.split(b" ", 2)[1].decode()
            self.asked[path] += 1
            reply = self.answers.get(path, answer(404, b""))
            if reply:  # nothing at all: the peer waits
                connection.sendall(reply)
                connection.shutdown(socket.SHUT_RDWR)


def answer(status: int, body: bytes, **headers: str) -> bytes:
    """An HTTP answer; `headers` are written with hyphens."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
