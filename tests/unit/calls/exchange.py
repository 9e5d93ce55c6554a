"""A proxy between phones on the bench: each connection belongs to a person, proven beforehand."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.unit.sip.wire import ALICE, BOB, Wire, layer_on, request, response_to
from vestibule.calls.bridge import BridgeParts
from vestibule.calls.bridges import Bridges
from vestibule.calls.call_media import CallRoom, CallRooms
from vestibule.calls.proxy import Proxy, ProxyParts
from vestibule.calls.route_token import RouteTokens
from vestibule.directory.model import Person
from vestibule.identity.principal import Kind, Mechanism, Principal
from vestibule.registrar.bindings import Binding, Bindings
from vestibule.registrar.temporary_gruu import TemporaryGruus
from vestibule.sip.dialog_table import DialogTable
from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.timers import TimerWheel
from vestibule.sip.transaction import ServerTransaction

CAROL = "sip:carol@d.test"
ALICES, BOBS, BOBS_SECOND, CAROLS = 1, 2, 3, 4
SERVER = "10.0.0.9:5061"
KEYED = (
    b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/SAVP 0\r\n"
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n"
)
PLAIN = KEYED.split(b"a=crypto")[0].replace(b"SAVP", b"AVP")
SDP = ("Content-Type", "application/sdp")


def contact_of(flow: int) -> str:
    """Where a phone says it is."""
    return f"sip:phone{flow}@192.0.2.{flow}:5061;transport=tls"


def contact(flow: int) -> tuple[str, str]:
    return ("Contact", f"<{contact_of(flow)}>")


class NoRooms:
    """Where nothing is bridged no room is opened."""

    def open(self, on_gone: Callable[[str], None]) -> CallRoom:
        raise AssertionError("nothing should be bridged here")


@dataclass
class Exchange:
    """Alice has one phone, Bob has two, Carol one."""

    wire: Wire = field(default_factory=Wire)
    wheel: TimerWheel = field(default_factory=TimerWheel)
    owners: dict[int, str] = field(
        default_factory=lambda: {ALICES: ALICE, BOBS: BOB, BOBS_SECOND: BOB, CAROLS: CAROL}
    )
    registered: tuple[int, ...] = (ALICES, BOBS)
    rooms: CallRooms = field(default_factory=NoRooms)
    most_bridged: int = 0
    kinds: dict[int, Kind] = field(default_factory=dict)
    """What the one at a connection is to us, if not one of our people."""

    def __post_init__(self) -> None:
        self.layer = layer_on(self.wire, self.wheel, on_request=self._serve, on_ack=self._ack)
        self.bindings = Bindings(self.wheel.schedule, lambda: self.wheel.now)
        self.gruus = TemporaryGruus()
        self.proxy = Proxy(
            ProxyParts(
                self.layer, self.bindings, self.gruus, self, self.wheel, RouteTokens(), SERVER,
                serves=_serves,
                bridges=self._bridges(),
            )
        )  # fmt: skip
        self.people = {aor: _person(aor) for aor in self.owners.values()}
        for flow in self.owners:
            self.layer.open_flow(flow, "TLS")
        for flow in self.registered:
            self.register(flow)

    def _bridges(self) -> Bridges:
        self.dialogs = DialogTable()
        parts = BridgeParts(
            self.layer, self.dialogs, self.rooms, SERVER, _serves, lambda flow: f"192.0.2.{flow}"
        )
        self.bridges = Bridges(parts, self.most_bridged)
        return self.bridges

    def person(self, aor: str) -> Person | None:
        """The directory's part."""
        return self.people.get(aor)

    def register(self, flow: int, *, contact: str = "", instance: str | None = None) -> None:
        device = f"<urn:uuid:{flow}>" if instance is None else instance
        place = contact or contact_of(flow)
        binding = Binding(place, flow, device, "", "", self.wheel.now + 3600, f"r{flow}", 1)
        self.bindings.change(self.owners[flow], put=[binding], remove=[])

    def lose(self, flow: int) -> None:
        """A connection breaks."""
        self.layer.close_flow(flow)
        self.bindings.close_flow(flow)
        self.proxy.close_flow(flow)
        self.wire.broken.add(flow)

    # --- what phones do ---

    def send(self, message: SipMessage) -> None:
        self.layer.receive(message)

    def answer(
        self,
        got: SipMessage,
        status: int,
        flow: int,
        *,
        body: bytes = b"",
        headers: tuple[tuple[str, str], ...] = (),
        to_tag: str = "b1",
    ) -> None:
        lines = [contact(flow), *headers, *([SDP] if body else [])]
        self.send(
            response_to(got, status, flow=flow, to_tag=to_tag, headers=tuple(lines), body=body)
        )

    def invite(
        self,
        *headers: tuple[str, str],
        uri: str = BOB,
        flow: int = ALICES,
        sender: str = ALICE,
        body: bytes = KEYED,
        call_id: str = "call",
    ) -> None:
        lines = (contact(flow), *headers, *([SDP] if body else []))
        self.send(
            request("INVITE", uri, flow=flow, sender=sender, headers=lines, body=body,
                    call_id=call_id, branch=f"z9hG4bK{call_id}")
        )  # fmt: skip

    def statuses(self, flow: int) -> list[int]:
        """What a phone was answered since it last looked."""
        return [message.status for message in self.wire.take(flow)]

    # --- the server's part, without proof ---

    def _serve(self, transaction: ServerTransaction) -> None:
        aor = self.owners[transaction.flow]
        transaction.principal = Principal(
            self.kinds.get(transaction.flow, Kind.MEMBER),
            aor,
            "t1",
            self.people[aor].display_name,
            Mechanism.CERTIFICATE,
        )
        try:
            found = self.dialogs.find(transaction.request)
            if found is not None:
                found[1].on_request(found[0], transaction)
            elif not transaction.request.to_tag:
                self.proxy.request(transaction)
            elif not self.proxy.in_dialog(transaction):
                raise SipRefusal(481)
        except SipRefusal as refusal:
            transaction.refuse(refusal)

    def _ack(self, message: SipMessage) -> None:
        self.proxy.ack(message)


@dataclass(frozen=True)
class Side:
    """One end of the call, and what its phone writes into requests."""

    sender: str
    to: str
    from_tag: str
    to_tag: str
    flow: int
    target: str


@dataclass
class Call:
    """Alice has called Bob and he has answered: what each learned."""

    exchange: Exchange
    ok: SipMessage
    alice: Side = Side(ALICE, BOB, "a1", "b1", ALICES, contact_of(BOBS))
    bob: Side = Side(BOB, ALICE, "b1", "a1", BOBS, contact_of(ALICES))

    def send(
        self,
        side: Side,
        method: str,
        *headers: tuple[str, str],
        flow: int | None = None,
        cseq: int = 2,
        body: bytes = b"",
        route: bool = True,
    ) -> None:
        """One side's phone goes on in the call, by its own connection unless another is given."""
        way = tuple(("Route", value) for value in self.ok.values("Record-Route")) if route else ()
        kind = (SDP,) if body else ()
        self.exchange.send(
            request(
                method,
                side.target,
                flow=side.flow if flow is None else flow,
                sender=side.sender,
                from_tag=side.from_tag,
                to=side.to,
                to_tag=side.to_tag,
                call_id="call",
                cseq=cseq,
                branch=f"z9hG4bK{side.from_tag}{method}{cseq}",
                headers=(contact(side.flow), *way, *headers, *kind),
                body=body,
            )
        )


def call(exchange: Exchange) -> Call:
    """A call from Alice to Bob, set up."""
    exchange.invite()
    invite = exchange.wire.one(BOBS)
    exchange.answer(invite, 200, BOBS, body=KEYED)
    ok = exchange.wire.take(ALICES)[-1]
    return Call(exchange, ok)


def _serves(host: str) -> bool:
    return host == "d.test"


def _person(aor: str) -> Person:
    user, _, domain = aor.removeprefix("sip:").partition("@")
    return Person(
        user, "t1", user, domain, user.title(), f"{user}@{domain}", licensed=True, enabled=True
    )
