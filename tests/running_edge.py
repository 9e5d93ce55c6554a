"""A real `Edge` on loopback, and connections to it from outside."""

import select
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from tests.certificates import Credential, TestAuthority
from vestibule._native import Edge, FlowOpened, Relay, SipMessage

if TYPE_CHECKING:
    from vestibule._native import EdgeEvent

DEADLINE = 10.0
HOST = "ours.test"
ORIGIN = "https://ours.test"

_Event = TypeVar("_Event", bound="EdgeEvent")


class RunningEdge:
    """An edge that listens for SIP and web, with an identity and, if not told otherwise, trust."""

    def __init__(
        self,
        authority: TestAuthority,
        *,
        http_backend: str = "/nonexistent",
        trust: bool = True,
        sip: bool = True,
        web: bool = True,
        relay: Relay | None = None,
        **settings: Any,
    ) -> None:
        self.authority = authority
        self.identity = authority.server("edge.test")
        settings.setdefault("answer_seconds", 0.0)  # nobody answers here
        self.edge = Edge(
            http_backend=http_backend,
            websocket_hosts=[HOST],
            websocket_origins=[ORIGIN],
            **settings,
        )
        self.edge.set_identity(self.identity.chain_pem, self.identity.key_pem)
        if trust:
            self.edge.set_trust(authority.root_pem, authority.crls())
        self.port = self.edge.listen("127.0.0.1", 0, sip=sip, web=web, relay=relay)
        self._waiting: list[EdgeEvent] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.edge.close()

    def next(self, kind: type[_Event]) -> _Event:
        """The next event, which must be of that kind."""
        event = self._next()
        assert isinstance(event, kind), event
        return event

    def opened(self) -> FlowOpened:
        return self.next(FlowOpened)

    def message(self) -> SipMessage:
        return self.next(SipMessage)

    def quiet(self) -> bool:
        """Whether nothing has been told that a test has not looked at."""
        self._waiting += self.edge.drain()
        return not self._waiting

    def counted(self, name: str, many: int = 1) -> None:
        """Wait until that counter has come to `many`."""
        wait_until(lambda: self.edge.counters()[name] >= many, name)

    def context(self, credential: Credential | None = None, folder: Path | None = None) -> Any:
        """How a client connects: it trusts our authority and may have a certificate."""
        context = ssl.create_default_context(cadata=self.authority.root_pem.decode())
        if credential is not None:
            assert folder is not None
            context.load_cert_chain(credential.write(folder, "client"))
        return context

    def connect(self, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        """A TLS connection from outside."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE)
        try:
            return (context or self.context()).wrap_socket(plain, server_hostname="127.0.0.1")
        except BaseException:
            plain.close()
            raise

    def lets_in(self, context: ssl.SSLContext) -> bool:
        """Whether a keep-alive is answered; TLS 1.3 tells of a refusal only after the handshake."""
        try:
            with self.connect(context) as client:
                client.sendall(b"\r\n\r\n")
                return client.recv(2) == b"\r\n"
        except (ssl.SSLError, ConnectionError):
            return False

    def _next(self) -> "EdgeEvent":
        deadline = time.monotonic() + DEADLINE
        while not self._waiting:
            left = deadline - time.monotonic()
            assert left > 0, "nothing happened"
            select.select([self.edge.fileno()], [], [], left)
            self._waiting += self.edge.drain()
        return self._waiting.pop(0)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Poll something that has no descriptor to wait on."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        select.select([], [], [], 0.01)


def read_to_end(stream: socket.socket) -> bytes:
    """Everything until the peer closes, properly or not."""
    out = bytearray()
    try:
        while data := stream.recv(65536):
            out += data
    except (ssl.SSLError, ConnectionError):
        pass
    return bytes(out)


def options(call_id: str = "1", body: bytes = b"") -> bytes:
    """A small sound request."""
    return (
        "OPTIONS sip:example.org SIP/2.0\r\n"
        f"Via: SIP/2.0/TLS client.invalid;branch=z9hG4bK{call_id}\r\n"
        "From: <sip:alice@example.org>;tag=1\r\nTo: <sip:example.org>\r\n"
        f"Call-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
