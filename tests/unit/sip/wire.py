"""A network on the test bench: what the layer sends is kept as messages, time goes by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field

from vestibule.sip.layer import TransactionLayer
from vestibule.sip.message import SipMessage, build_request, parse_sip
from vestibule.sip.timers import TimerWheel
from vestibule.sip.transaction import ServerTransaction

ALICE = "sip:alice@d.test"
BOB = "sip:bob@d.test"


@dataclass
class Wire:
    """A transport that takes everything, except for connections in `broken`."""

    sent: list[tuple[int, bytes]] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)

    def send(self, flow: int, data: bytes) -> bool:
        if flow in self.broken:
            return False
        self.sent.append((flow, data))
        return True

    def take(self, flow: int | None = None) -> list[SipMessage]:
        """What was sent (down a connection) since it was last asked for, parsed."""
        taken = [entry for entry in self.sent if flow is None or entry[0] == flow]
        self.sent = [entry for entry in self.sent if not (flow is None or entry[0] == flow)]
        return [parse_sip(data) for _, data in taken]

    def one(self, flow: int | None = None) -> SipMessage:
        """The only message that was sent since."""
        [message] = self.take(flow)
        return message


class Arrived:
    """A message as the edge hands it over: parsed, and marked with the connection it came by.

    The native class can't be told its connection from Python, so this lends it one and passes every
    other question on to the real thing.
    """

    def __init__(self, message: SipMessage, flow: int) -> None:
        self._message = message
        self.flow = flow

    def __getattr__(self, name: str) -> object:
        return getattr(self._message, name)


def arrived(data: bytes, flow: int) -> SipMessage:
    """Bytes that came by a connection."""
    return Arrived(parse_sip(data), flow)  # type: ignore[return-value]


def request(
    method: str = "MESSAGE",
    uri: str = BOB,
    *,
    flow: int = 1,
    sender: str = ALICE,
    from_tag: str = "a1",
    to: str | None = None,
    to_tag: str = "",
    call_id: str = "c1",
    cseq: int = 1,
    branch: str | None = "z9hG4bKb1",
    sent_by: str = "10.0.0.1:5061",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
    cseq_method: str | None = None,
) -> SipMessage:
    """A request from a client."""
    via = f"SIP/2.0/TLS {sent_by}" + (f";branch={branch}" if branch is not None else "")
    tag = f";tag={to_tag}" if to_tag else ""
    lines = [
        ("Via", via),
        ("From", f"<{sender}>;tag={from_tag}"),
        ("To", f"<{to or uri}>{tag}"),
        ("Call-ID", call_id),
        ("CSeq", f"{cseq} {cseq_method or method}"),
        ("Max-Forwards", "70"),
        *headers,
    ]
    return arrived(build_request(method, uri, lines, body), flow)


def response_to(
    message: SipMessage,
    status: int,
    *,
    flow: int,
    to_tag: str = "b1",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> SipMessage:
    """What a client answers to a request of ours."""
    data = message.response(status, to_tag=to_tag, headers=headers, body=body)
    return arrived(data, flow)


def layer_on(
    wire: Wire,
    wheel: TimerWheel | None = None,
    *,
    on_request: Callable[[ServerTransaction], None] | None = None,
    on_ack: Callable[[SipMessage], None] | None = None,
    most_open_per_flow: int = 500,
) -> TransactionLayer:
    """A transaction layer on the bench."""
    return TransactionLayer(
        wire,
        TimerWheel() if wheel is None else wheel,
        via_host="server.d.test:5061",
        on_request=on_request or (lambda transaction: None),
        on_ack=on_ack or (lambda message: None),
        most_open_per_flow=most_open_per_flow,
    )
