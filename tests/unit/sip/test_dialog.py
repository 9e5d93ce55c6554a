from dataclasses import dataclass, field

import pytest

from tests.unit.sip.wire import ALICE, Wire, arrived, layer_on, request, response_to
from vestibule.sip.dialog import Dialog
from vestibule.sip.dialog_table import DialogTable
from vestibule.sip.message import SipMessage, build_request
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.timers import TimerWheel
from vestibule.sip.transaction import ServerTransaction

FOCUS = "sip:alice@d.test;gruu;opaque=app:conf:focus:id:X"
CONTACT = ("Contact", "<sip:alice@10.0.0.1:5061;transport=tls>")
ROUTES = (
    ("Record-Route", "<sip:p2.d.test;lr>, <sip:p1.d.test;lr>"),
    ("Record-Route", "<sip:p0.d.test;lr>"),
)


@dataclass
class Bench:
    """A layer and the transactions it handed up."""

    wire: Wire = field(default_factory=Wire)
    wheel: TimerWheel = field(default_factory=TimerWheel)
    transactions: list[ServerTransaction] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.layer = layer_on(self.wire, self.wheel, on_request=self.transactions.append)

    def dialog(
        self, headers: tuple[tuple[str, str], ...] = (CONTACT,), record_route: str | None = None
    ) -> Dialog:
        self.layer.receive(request("INVITE", FOCUS, cseq=5, headers=headers))
        dialog = Dialog.uas(self.transactions[-1], contact=FOCUS, record_route=record_route)
        self.transactions[-1].respond(200)
        self.wire.take()
        return dialog


def test_the_called_side() -> None:
    bench = Bench()
    dialog = bench.dialog((CONTACT, *ROUTES))
    assert dialog.key == ("c1", bench.transactions[0].to_tag, "a1")
    assert (dialog.local_uri, dialog.remote_uri) == (FOCUS, ALICE)
    assert dialog.remote_target == "sip:alice@10.0.0.1:5061;transport=tls"
    dialog.request("BYE", headers=(("Reason", "SIP;cause=200"),))
    bye = bench.wire.one(flow=1)
    assert (bye.method, bye.uri) == ("BYE", "sip:alice@10.0.0.1:5061;transport=tls")
    assert (bye.from_uri, bye.from_tag) == (FOCUS, dialog.local_tag)
    assert (bye.to_uri, bye.to_tag, bye.call_id) == (ALICE, "a1", "c1")
    routes = ["<sip:p2.d.test;lr>", "<sip:p1.d.test;lr>", "<sip:p0.d.test;lr>"]
    assert bye.values("Route") == routes
    assert bye.header("Reason") == "SIP;cause=200"
    assert bye.header("Contact") is None


def test_the_calling_side() -> None:
    bench = Bench()
    invite = arrived(
        build_request(
            "INVITE", "sip:bob@d.test",
            [("Via", "SIP/2.0/TLS s;branch=z9hG4bK1"), ("From", f"<{FOCUS}>;tag=ours"),
             ("To", "<sip:bob@d.test>"), ("Call-ID", "c9"), ("CSeq", "20 INVITE")],
        ),
        0,
    )  # fmt: skip
    ok = response_to(
        invite, 200, flow=4, to_tag="theirs",
        headers=(("Contact", "<sip:bob@10.0.0.2>"), *ROUTES),
    )  # fmt: skip
    dialog = Dialog.uac(bench.layer, invite, ok, contact=FOCUS)
    assert dialog.key == ("c9", "ours", "theirs")
    dialog.request("INFO", body=b"x", content_type="text/plain")
    info = bench.wire.one(flow=4)
    assert (info.uri, info.cseq, info.to_tag) == ("sip:bob@10.0.0.2", 21, "theirs")
    routes = ["<sip:p0.d.test;lr>", "<sip:p1.d.test;lr>", "<sip:p2.d.test;lr>"]
    assert info.values("Route") == routes
    assert (info.content_type, info.body) == ("text/plain", b"x")


def test_our_requests_are_numbered_upwards() -> None:
    bench = Bench()
    dialog = bench.dialog()
    for _ in range(3):
        dialog.request("INFO")
    first, second, third = (message.cseq for message in bench.wire.take())
    assert (second, third) == (first + 1, first + 2)


@pytest.mark.parametrize(
    ("method", "said"), [("INVITE", True), ("NOTIFY", True), ("INFO", False), ("BYE", False)]
)
def test_contact_is_said_where_it_matters(method: str, said: bool) -> None:
    bench = Bench()
    bench.dialog().request(method)
    assert (bench.wire.one().header("Contact") == f"<{FOCUS}>") is said


def test_final_answers_and_failures_are_told() -> None:
    bench = Bench()
    dialog, heard = bench.dialog(), list[object]()
    dialog.request("INFO", on_response=lambda r: heard.append(r.status))
    sent = bench.wire.one()
    bench.layer.receive(response_to(sent, 100, flow=1))
    bench.layer.receive(response_to(sent, 200, flow=1))
    dialog.request("INFO", on_failure=lambda status, why: heard.append((status, why)))
    bench.wheel.advance(33)
    assert heard == [200, (408, "no answer")]


def test_after_its_end_nothing_is_sent() -> None:
    bench = Bench()
    dialog = bench.dialog()
    dialog.end()
    dialog.request("BYE")
    assert bench.wire.take() == []


def test_what_comes_out_of_order_is_refused() -> None:
    dialog = Bench().dialog()
    dialog.accept(request("INFO", FOCUS, cseq=6))
    for old in (4, 5, 6):
        with pytest.raises(SipRefusal) as refused:
            dialog.accept(request("INFO", FOCUS, cseq=old))
        assert refused.value.status == 500
    dialog.accept(request("INFO", FOCUS, cseq=9))


def test_an_ack_has_the_number_of_its_invite() -> None:
    dialog = Bench().dialog()
    dialog.accept(request("INFO", FOCUS, cseq=6))
    dialog.accept(request("ACK", FOCUS, cseq=5))


def test_a_new_contact_moves_the_target_but_only_where_it_may() -> None:
    dialog = Bench().dialog()
    moved = (("Contact", "<sip:alice@10.0.0.7>"),)
    dialog.accept(request("INFO", FOCUS, cseq=6, headers=moved))
    assert dialog.remote_target == "sip:alice@10.0.0.1:5061;transport=tls"
    dialog.accept(request("INVITE", FOCUS, cseq=7, headers=moved))
    assert dialog.remote_target == "sip:alice@10.0.0.7"


class User:
    """Looks after a dialog, does nothing."""

    def on_request(self, dialog: Dialog, transaction: ServerTransaction) -> None: ...

    def on_ack(self, dialog: Dialog, message: SipMessage) -> None: ...

    def on_flow_closed(self, dialog: Dialog) -> None: ...


def test_the_table_finds_a_dialog_by_all_three_parts_of_its_key() -> None:
    table, user, dialog = DialogTable(), User(), Bench().dialog()
    table.add(dialog, user)
    tag = dialog.local_tag
    assert table.find(request("BYE", FOCUS, to_tag=tag)) == (dialog, user)
    for other in ({"to_tag": "x"}, {"from_tag": "x"}, {"call_id": "x"}):
        assert table.find(request("BYE", FOCUS, **({"to_tag": tag} | other))) is None  # type: ignore[arg-type]
    assert table.of_flow(1) == [(dialog, user)]
    assert table.of_flow(2) == []


def test_the_table_forgets() -> None:
    table, dialog = DialogTable(), Bench().dialog()
    table.add(dialog, User())
    table.remove(dialog)
    table.remove(dialog)
    assert table.find(request("BYE", FOCUS, to_tag=dialog.local_tag)) is None
    assert table.of_flow(1) == []
