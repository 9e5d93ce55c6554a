"""HTTPS octets as a test writes them, and all that comes back."""

import ssl

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host


class RawHttps:
    """One TLS connection to the web port. `alpn`: what to offer in the handshake."""

    def __init__(self, host: Host, deployment: Deployment, alpn: tuple[str, ...] = ()) -> None:
        facts = deployment.facts
        self.name = f"{facts['host']}:{facts['https_port']}"
        context = ssl.create_default_context(cafile=str(deployment.authority))
        if alpn:
            context.set_alpn_protocols(list(alpn))
        raw = host.connect(facts["host"], facts["https_port"])
        try:
            self.socket = context.wrap_socket(raw, server_hostname=facts["host"])
        except BaseException:
            raw.close()
            raise
        self.socket.settimeout(10.0)

    def __enter__(self) -> "RawHttps":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def until(self, end: bytes) -> bytes:
        """What the server says, up to there."""
        heard = b""
        while end not in heard:
            more = self.socket.recv(65536)
            assert more, heard
            heard += more
        return heard

    def to_the_end(self, data: bytes) -> bytes:
        """Send, say that nothing more comes, and read until the server closes."""
        heard = bytearray()
        try:
            self.socket.sendall(data)
            while more := self.socket.recv(65536):
                heard += more
        except (ConnectionError, ssl.SSLError):
            pass
        return bytes(heard)


def statuses(heard: bytes) -> list[int]:
    """The status of every response in there."""
    return [int(part[:3]) for part in heard.split(b"HTTP/1.1 ")[1:]]
