"""From bytes on a TLS connection to an act, and back: everything but the services is real."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.certificates import TestAuthority
from tests.running_edge import RunningEdge
from tests.unit.identity.proof_bench import Place
from vestibule._native import SipMessage, parse_sip
from vestibule.edge.flows import Flows
from vestibule.edge.reception import Reception, ReceptionParts
from vestibule.edge.shares import Rates
from vestibule.edge.signed_flows import SignedFlows
from vestibule.sip.dialog import Dialog
from vestibule.sip.dialog_table import DialogTable
from vestibule.sip.layer import TransactionLayer
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.router import UriKind
from vestibule.sip.timers import TimerWheel
from vestibule.sip.transaction import ServerTransaction

DEADLINE = 10.0


@dataclass
class Calls:
    """Routing of calls; `mine` says whether a later request belongs to one."""

    mine: bool = False
    acks: list[SipMessage] = field(default_factory=list)

    def in_dialog(self, transaction: ServerTransaction) -> bool:
        if self.mine:
            transaction.respond(200, "Routed")
        return self.mine

    def ack(self, message: SipMessage) -> bool:
        self.acks.append(message)
        return True


@dataclass
class Session:
    """Looks after dialogs; fails if told to."""

    heard: list[str] = field(default_factory=list)
    fails: bool = False

    def on_request(self, dialog: Dialog, transaction: ServerTransaction) -> None:
        self.heard.append(transaction.request.method)
        transaction.respond(200)

    def on_ack(self, dialog: Dialog, message: SipMessage) -> None:
        self.heard.append("ACK")

    def on_flow_closed(self, dialog: Dialog) -> None:
        self.heard.append("closed")
        if self.fails:
            raise RuntimeError("on purpose")


class Line:
    """A client's TLS connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.cseq = 0

    def write(
        self,
        method: str,
        uri: str = "sip:bob@d.test",
        *headers: str,
        sender: str = "sip:alice@d.test",
        to_tag: str = "",
        call_id: str = "c1",
    ) -> None:
        self.cseq += method != "ACK"
        tag = f";tag={to_tag}" if to_tag else ""
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/TLS client.invalid;branch=z9hG4bK{call_id}{method}{self.cseq}",
            f"From: <{sender}>;tag=a1",
            f"To: <{uri}>{tag}",
            f"Call-ID: {call_id}",
            f"CSeq: {self.cseq} {method}",
            "Contact: <sip:alice@192.0.2.1>",
            "Max-Forwards: 70",
            *headers,
            "Content-Length: 0",
        ]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())

    def write_octets(self, octets: bytes) -> None:
        self._writer.write(octets)

    async def read(self) -> SipMessage:
        async with asyncio.timeout(DEADLINE):
            return parse_sip(await self._reader.readuntil(b"\r\n\r\n"))

    async def ask(self, method: str, *args: str, **parts: str) -> SipMessage:
        self.write(method, *args, **parts)
        return await self.read()

    async def ended(self) -> bool:
        """Whether the server closes the connection, waiting for it."""
        async with asyncio.timeout(DEADLINE):
            return await self._reader.read() == b""

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except (ConnectionError, ssl.SSLError):
            pass


class House:
    """Edge, reception and proof, with services that the tests add to the router."""

    def __init__(self, running: RunningEdge, place: Place) -> None:
        self.running, self.place = running, place
        self.dialogs, self.calls, self.session = DialogTable(), Calls(), Session()
        self.flows, self.wheel = Flows(), TimerWheel()
        self.closed: asyncio.Queue[int] = asyncio.Queue()
        self.layer = TransactionLayer(
            SignedFlows(running.edge, place.associations), self.wheel, via_host="h.test",
            on_request=self._request, on_ack=self._ack,
        )  # fmt: skip
        parts = ReceptionParts(
            edge=running.edge, flows=self.flows, wheel=self.wheel, proof=place.proof,
            dialogs=self.dialogs, router=place.router, calls=self.calls,
            on_flow_closed=self.closed.put_nowait,
        )  # fmt: skip
        self.reception = Reception(parts, self.layer)
        self.lines: list[Line] = []

    def _request(self, transaction: ServerTransaction) -> None:
        self.reception.request(transaction)

    def _ack(self, message: SipMessage) -> None:
        self.reception.ack(message)

    async def connect(self) -> Line:
        context = self.running.context()
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.running.port, ssl=context, server_hostname="127.0.0.1"
        )
        self.lines.append(Line(reader, writer))
        return self.lines[-1]

    def bearer(self, name: str = "alice") -> str:
        return f"Authorization: Bearer {self.place.token(name)}"

    def opens_dialog(self, transaction: ServerTransaction) -> None:
        """A service that takes the request into a dialog of `session`'s."""
        dialog = Dialog.uas(transaction, contact="sip:bob@d.test")
        self.dialogs.add(dialog, self.session)
        transaction.respond(200, headers=(("Contact", "<sip:bob@d.test>"),))

    async def gone(self) -> int:
        async with asyncio.timeout(DEADLINE):
            return await self.closed.get()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    with RunningEdge(TestAuthority()) as running:
        house = House(running, Place(tmp_path))
        house.reception.start()
        yield house
        for line in house.lines:
            await line.close()
        house.reception.stop()


async def test_who_proves_nothing_is_asked(house: House) -> None:
    line = await house.connect()
    answer = await line.ask("MESSAGE")
    assert answer.status == 401
    [challenge] = answer.headers("WWW-Authenticate")
    assert challenge.startswith("Digest "), "nobody could have a token: devices don't sign in here"


async def test_a_proven_request_reaches_its_service(house: House) -> None:
    seen: list[str] = []

    def served(transaction: ServerTransaction) -> None:
        assert transaction.principal is not None
        seen.append(transaction.principal.aor)
        transaction.respond(202)

    house.place.router.add("MESSAGE", UriKind.PERSON, served)
    line = await house.connect()
    assert (await line.ask("MESSAGE", "sip:bob@d.test", house.bearer())).status == 202
    assert seen == ["sip:alice@d.test"]


@pytest.mark.parametrize(
    ("method", "uri", "header", "status"),
    [
        ("MESSAGE", "sip:bob@d.test", "X-None: 1", 404),
        ("MESSAGE", "sip:bob@d.test", "Require: magic, gruu", 420),
        ("MESSAGE", "tel:+49123", "X-None: 1", 416),
        ("BYE", "sip:bob@elsewhere.test", "X-None: 1", 404),
    ],
)
async def test_what_nobody_serves(
    house: House, method: str, uri: str, header: str, status: int
) -> None:
    line = await house.connect()
    assert (await line.ask(method, uri, header, house.bearer())).status == status


async def test_one_person_begins_a_few_dialogs_and_then_waits(house: House) -> None:
    house.place.router.add(
        "SUBSCRIBE", UriKind.PERSON, lambda transaction: transaction.respond(200)
    )
    house.place.router.add("MESSAGE", UriKind.PERSON, lambda transaction: transaction.respond(200))
    line, proof = await house.connect(), house.bearer()
    for number in range(Rates().new_dialogs.burst):
        answer = await line.ask("SUBSCRIBE", "sip:bob@d.test", proof, call_id=f"c{number}")
        assert answer.status == 200
    another = await house.connect()
    answers = [
        await another.ask("SUBSCRIBE", "sip:bob@d.test", proof, call_id=f"d{number}")
        for number in range(Rates().new_dialogs.burst)
    ]
    refused = [answer for answer in answers if answer.status == 503]
    assert refused, "another connection is no way out"
    assert refused[0].header("Retry-After") == "1"
    assert (await another.ask("MESSAGE", "sip:bob@d.test", proof)).status == 200


async def test_a_services_refusal_is_the_answer(house: House) -> None:
    def refuses(transaction: ServerTransaction) -> None:
        raise SipRefusal(486, headers=(("Retry-After", "9"),))

    house.place.router.add("INVITE", UriKind.PERSON, refuses)
    line = await house.connect()
    answer = await line.ask("INVITE", "sip:bob@d.test", house.bearer())
    assert (answer.status, answer.header("Retry-After")) == (486, "9")


async def test_a_failure_of_ours_is_500_and_the_next_message_is_served(house: House) -> None:
    def fails(transaction: ServerTransaction) -> None:
        raise RuntimeError("on purpose")

    house.place.router.add("MESSAGE", UriKind.PERSON, fails)
    house.place.router.add("OPTIONS", UriKind.PERSON, lambda transaction: transaction.respond(200))
    line = await house.connect()
    assert (await line.ask("MESSAGE", "sip:bob@d.test", house.bearer())).status == 500
    assert (await line.ask("OPTIONS", "sip:bob@d.test", house.bearer())).status == 200


async def begun(house: House, line: Line) -> str:
    """A dialog with Alice, and our tag in it."""
    house.place.router.add("INVITE", UriKind.PERSON, house.opens_dialog)
    return (await line.ask("INVITE", "sip:bob@d.test", house.bearer())).to_tag


async def test_later_requests_reach_who_looks_after_the_dialog(house: House) -> None:
    line = await house.connect()
    tag = await begun(house, line)
    line.write("ACK", to_tag=tag)
    bye = await line.ask("BYE", "sip:bob@d.test", house.bearer(), to_tag=tag)
    assert bye.status == 200
    assert house.session.heard == ["ACK", "BYE"]


async def test_a_dialog_is_its_owners_on_its_own_connection(house: House) -> None:
    line, thief = await house.connect(), await house.connect()
    tag = await begun(house, line)
    thief.cseq = 10
    bob = await thief.ask("BYE", "sip:bob@d.test", house.bearer("bob"),
                          sender="sip:bob@d.test", to_tag=tag)  # fmt: skip
    assert bob.status == 403
    assert (await thief.ask("BYE", "sip:bob@d.test", house.bearer(), to_tag=tag)).status == 403
    assert (await thief.ask("BYE", "sip:bob@d.test", to_tag=tag)).status == 401
    thief.write("ACK", to_tag=tag)
    assert (await thief.ask("OPTIONS")).status == 401  # the ACK before it has been looked at
    assert house.session.heard == []


async def test_a_request_out_of_order_is_refused(house: House) -> None:
    line = await house.connect()
    tag = await begun(house, line)
    line.cseq -= 1
    answer = await line.ask("INFO", "sip:bob@d.test", house.bearer(), to_tag=tag)
    assert answer.status == 500
    assert house.session.heard == []


@pytest.mark.parametrize(("mine", "status"), [(True, 200), (False, 481)])
async def test_a_request_of_an_unknown_dialog_may_be_a_routed_calls(
    house: House, mine: bool, status: int
) -> None:
    house.calls.mine = mine
    line = await house.connect()
    answer = await line.ask("BYE", "sip:bob@d.test", house.bearer(), to_tag="unknown")
    assert answer.status == status
    line.write("ACK", to_tag="unknown")
    await line.ask("OPTIONS")
    assert [message.to_tag for message in house.calls.acks] == ["unknown"]


async def test_a_closed_connection_is_told_to_everybody_even_if_one_fails(house: House) -> None:
    house.session.fails = True
    line = await house.connect()
    await begun(house, line)
    await line.ask("INVITE", "sip:bob@d.test", house.bearer(), call_id="second")
    [flow] = [flow.id for flow in house.flows]
    await line.close()
    assert await house.gone() == flow
    assert house.session.heard == ["closed", "closed"]
    assert (house.dialogs.of_flow(flow), house.flows.get(flow)) == ([], None)
    assert house.layer._flows == {}


async def test_who_is_shut_out_loses_the_connection(house: House) -> None:
    alice, bob = await house.connect(), await house.connect()
    await alice.ask("MESSAGE", "sip:bob@d.test", house.bearer())
    await bob.ask("MESSAGE", "sip:bob@d.test", house.bearer("bob"), sender="sip:bob@d.test")
    house.place.disable("alice")
    house.reception.close_unwelcome()
    assert await alice.ended()
    await house.gone()
    answer = await bob.ask(
        "MESSAGE", "sip:bob@d.test", house.bearer("bob"), sender="sip:bob@d.test", call_id="again"
    )
    assert answer.status == 404


async def test_deadlines_pass_by_themselves(house: House) -> None:
    passed = asyncio.Event()
    house.wheel.schedule(0.2, passed.set)
    async with asyncio.timeout(DEADLINE):
        await passed.wait()


async def test_what_came_before_lost_framing_is_answered_first(tmp_path: Path) -> None:
    with RunningEdge(TestAuthority(), answer_seconds=5.0) as running:
        house = House(running, Place(tmp_path))
        house.reception.start()
        line = await house.connect()
        line.write("MESSAGE")
        line.write_octets(b"\n\nneither SIP nor anything else\r\n\r\n")
        statuses = {(await line.read()).status}
        assert 401 in statuses, "the sound request has its answer"
        assert await line.ended()
        await line.close()
        house.reception.stop()


async def test_an_unproven_connection_ends_in_time_and_a_proven_one_stays(tmp_path: Path) -> None:
    with RunningEdge(TestAuthority(), unproven_seconds=1.0) as running:
        house = House(running, Place(tmp_path))
        house.reception.start()
        house.place.router.add("OPTIONS", UriKind.PERSON, lambda given: given.respond(200))
        good, bad = await house.connect(), await house.connect()
        assert (await good.ask("OPTIONS", "sip:bob@d.test", house.bearer())).status == 200
        assert (await bad.ask("OPTIONS")).status == 401
        assert await bad.ended()
        running.counted("closed_unproven")
        assert (await good.ask("OPTIONS", "sip:bob@d.test", house.bearer())).status == 200
        for line in (good, bad):
            await line.close()
        house.reception.stop()
