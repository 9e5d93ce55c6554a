from dataclasses import dataclass, field

import pytest

from tests.unit.sip.wire import Wire, layer_on, request, response_to
from vestibule.sip.dialog_table import DialogTable
from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.subscription import EventPackage, Subscription
from vestibule.sip.timers import TimerWheel
from vestibule.sip.transaction import ServerTransaction

PACKAGE = EventPackage("conference", "application/conference-info+xml")
FOCUS = "sip:alice@d.test;gruu;opaque=app:conf:focus:id:X"


@dataclass
class Bench:
    """A notifier whose document is `document`."""

    wire: Wire = field(default_factory=Wire)
    wheel: TimerWheel = field(default_factory=TimerWheel)
    dialogs: DialogTable = field(default_factory=DialogTable)
    ended: list[Subscription] = field(default_factory=list)
    transactions: list[ServerTransaction] = field(default_factory=list)
    document: bytes = b"<full/>"

    def __post_init__(self) -> None:
        self.layer = layer_on(self.wire, self.wheel, on_request=self.transactions.append)

    def arrive(self, *headers: tuple[str, str], to_tag: str = "", cseq: int = 1) -> None:
        lines = (("Contact", "<sip:alice@10.0.0.1>"), *headers)
        branch = f"z9hG4bK{cseq}"
        self.layer.receive(
            request("SUBSCRIBE", FOCUS, headers=lines, to_tag=to_tag, cseq=cseq, branch=branch)
        )

    def subscribe(self, *headers: tuple[str, str]) -> Subscription:
        self.arrive(*(headers or (("Event", "conference"),)))
        return Subscription.accept(
            self.transactions[-1],
            PACKAGE,
            contact=FOCUS,
            record_route="sip:10.0.0.9:5061;lr",
            dialogs=self.dialogs,
            schedule=self.wheel.schedule,
            on_refresh=lambda watcher: watcher.notify(self.document),
            on_end=self.ended.append,
        )

    def refresh(self, subscription: Subscription, *headers: tuple[str, str], cseq: int = 2) -> None:
        self.arrive(*headers, to_tag=subscription.dialog.local_tag, cseq=cseq)
        subscription.on_request(subscription.dialog, self.transactions[-1])

    def answer(self, notify: SipMessage, status: int) -> None:
        self.layer.receive(response_to(notify, status, flow=1))


def test_the_answer_and_then_the_first_document() -> None:
    bench = Bench()
    subscription = bench.subscribe(("Event", "conference"), ("Expires", "600"))
    ok, notify = bench.wire.take(flow=1)
    assert (ok.status, ok.header("Expires")) == (200, "600")
    assert ok.header("Contact") == f"<{FOCUS}>"
    assert ok.header("Record-Route") == "<sip:10.0.0.9:5061;lr>"
    assert (notify.method, notify.body) == ("NOTIFY", b"<full/>")
    assert notify.header("Event") == "conference"
    assert notify.header("Subscription-State") == "active;expires=600"
    assert notify.content_type == PACKAGE.content_type
    assert bench.dialogs.find(request("SUBSCRIBE", FOCUS, to_tag=subscription.dialog.local_tag))


def test_what_is_left_is_said_so_that_the_watcher_renews_in_time() -> None:
    bench = Bench()
    subscription = bench.subscribe(("Event", "conference"), ("Expires", "600"))
    bench.answer(bench.wire.take()[-1], 200)
    bench.wheel.advance(450)
    subscription.notify(b"<partial/>")
    assert bench.wire.one().header("Subscription-State") == "active;expires=150"


def test_the_watchers_own_id_comes_back_and_nothing_else() -> None:
    bench = Bench()
    bench.subscribe(("Event", "conference ; id=7;x=1"))
    assert bench.wire.take()[-1].header("Event") == "conference;id=7"


@pytest.mark.parametrize(("headers", "expires"), [((), "3600"), ((("Expires", "999999"),), "3600")])
def test_how_long_if_not_said_or_too_long(
    headers: tuple[tuple[str, str], ...], expires: str
) -> None:
    bench = Bench()
    bench.subscribe(("Event", "conference"), *headers)
    assert bench.wire.take()[0].header("Expires") == expires


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((("Event", "presence"),), 489),
        ((), 489),
        ((("Event", "conference"), ("Accept", "text/plain")), 406),
        ((("Event", "conference"), ("Expires", "59")), 423),
        ((("Event", "conference"), ("Expires", "-1")), 400),
        ((("Event", "conference"), ("Expires", "1" * 40)), 400),
        ((("Event", "conference"), ("Expires", "١٢٠")), 400),
    ],
)
def test_what_is_refused_leaves_nothing(headers: tuple[tuple[str, str], ...], status: int) -> None:
    bench = Bench()
    with pytest.raises(SipRefusal) as refused:
        bench.subscribe(*(headers or (("Event", ""),)))
    assert refused.value.status == status
    assert bench.dialogs.of_flow(1) == []


def test_expires_0_asks_once() -> None:
    bench = Bench()
    subscription = bench.subscribe(("Event", "conference"), ("Expires", "0"))
    messages = bench.wire.take()
    assert messages[0].header("Expires") == "0"
    assert messages[1].body == b"<full/>"
    assert messages[-1].header("Subscription-State") == "terminated;reason=timeout"
    assert (subscription.ended, bench.ended) == (True, [subscription])
    assert bench.dialogs.of_flow(1) == []


def test_a_renewal_brings_the_whole_document_again() -> None:
    bench = Bench()
    subscription = bench.subscribe(("Event", "conference"), ("Expires", "100"))
    bench.answer(bench.wire.take()[-1], 200)
    bench.wheel.advance(90)
    bench.refresh(subscription, ("Event", "conference"), ("Expires", "100"))
    ok, notify = bench.wire.take()
    assert (ok.status, notify.body) == (200, b"<full/>")
    bench.answer(notify, 200)
    bench.wheel.advance(180)
    assert not subscription.ended
    bench.wheel.advance(191)
    assert subscription.ended


def test_the_watcher_ends_it() -> None:
    bench = Bench()
    subscription = bench.subscribe()
    bench.wire.take()
    bench.refresh(subscription, ("Event", "conference"), ("Expires", "0"))
    last = bench.wire.take()[-1]
    assert last.header("Subscription-State") == "terminated;reason=timeout"
    assert bench.ended == [subscription]


@pytest.mark.parametrize(
    ("method", "event", "status"), [("SUBSCRIBE", "presence", 489), ("INFO", "conference", 405)]
)
def test_what_has_no_place_in_its_dialog(method: str, event: str, status: int) -> None:
    bench = Bench()
    subscription = bench.subscribe()
    bench.layer.receive(
        request(method, FOCUS, to_tag=subscription.dialog.local_tag, cseq=2,
                branch="z9hG4bK2", headers=(("Event", event),))
    )  # fmt: skip
    with pytest.raises(SipRefusal) as refused:
        subscription.on_request(subscription.dialog, bench.transactions[-1])
    assert refused.value.status == status
    assert not subscription.ended


def test_it_expires() -> None:
    bench = Bench()
    subscription = bench.subscribe(("Event", "conference"), ("Expires", "60"))
    bench.answer(bench.wire.take()[-1], 200)
    bench.wheel.advance(61)
    assert bench.wire.one().header("Subscription-State") == "terminated;reason=timeout"
    assert bench.ended == [subscription]


def test_we_end_it_and_say_why() -> None:
    bench = Bench()
    subscription = bench.subscribe()
    bench.answer(bench.wire.take()[-1], 200)
    subscription.terminate("rejected", b"<last/>")
    subscription.terminate()
    subscription.notify(b"<late/>")
    last = bench.wire.one()
    assert (last.header("Subscription-State"), last.body) == (
        "terminated;reason=rejected", b"<last/>",
    )  # fmt: skip
    assert bench.ended == [subscription]


@pytest.mark.parametrize("how", ["481", "silence", "flow closed"])
def test_a_watcher_that_is_gone_is_forgotten(how: str) -> None:
    bench = Bench()
    subscription = bench.subscribe()
    notify = bench.wire.take()[-1]
    if how == "481":
        bench.answer(notify, 481)
    elif how == "silence":
        bench.wheel.advance(33)
    else:
        subscription.on_flow_closed(subscription.dialog)
    assert bench.ended == [subscription]
    assert bench.dialogs.of_flow(1) == []
    subscription.notify(b"<late/>")
    assert bench.wire.take() == []


def test_a_document_refused_for_the_moment_ends_nothing() -> None:
    bench = Bench()
    subscription = bench.subscribe()
    bench.answer(bench.wire.take()[-1], 500)
    assert not subscription.ended
