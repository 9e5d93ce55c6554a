"""Alice talks with Bob, then with Carol, and gives Bob her place in the call with Carol (RFC 5589 section 7)."""

from dataclasses import dataclass, replace
from urllib.parse import quote

import pytest

from tests.unit.calls.exchange import (
    ALICES,
    BOBS,
    BOBS_SECOND,
    CAROL,
    CAROLS,
    KEYED,
    PLAIN,
    Call,
    Exchange,
    call,
    contact,
    contact_of,
)
from tests.unit.sip.wire import ALICE, BOB, request
from vestibule.calls.attended_transfer import GRANT_SECONDS
from vestibule.identity.principal import Kind
from vestibule.sip.message import SipMessage

CAROLS_SECOND = 9
PLACE = "second;to-tag=c1;from-tag=a1"
"""Alice's, in the call with Carol, as Carol's phone knows it."""


@dataclass
class Two(Call):
    """Alice's two calls (`second`: what Carol's phone answered), and what her phone and the others do next."""

    cseq: int = 10
    second: SipMessage | None = None

    def refer(self, place: str = PLACE, uri: str = CAROL, **more: str) -> int:
        """Alice sends Bob there; the status that she gets, 202 being Bob's."""
        headers = "&".join(
            f"{name}={quote(value, safe='')}" for name, value in {"Replaces": place, **more}.items()
        )
        return self.sends_on(f"<{uri}?{headers}>")

    def sends_on(self, refer_to: str) -> int:
        self.cseq += 1
        self.send(self.alice, "REFER", ("Refer-To", refer_to), cseq=self.cseq)
        for got in self.exchange.wire.take(BOBS):
            assert got.headers("Refer-To") == [refer_to], "as it was sent"
            self.exchange.answer(got, 202, BOBS)
        return self.exchange.statuses(ALICES)[-1]

    def takes(
        self,
        place: str = PLACE,
        *headers: tuple[str, str],
        flow: int = BOBS,
        sender: str = BOB,
        uri: str = CAROL,
        body: bytes = KEYED,
    ) -> SipMessage | None:
        """A phone calls to take that place; what Carol's phone got, or None if that was refused with 403."""
        self.cseq += 1
        exchange, name = self.exchange, f"third{self.cseq}"
        lines = (("Replaces", place), *headers)
        exchange.invite(*lines, uri=uri, flow=flow, sender=sender, call_id=name, body=body)
        got = exchange.wire.take(CAROLS)
        if got:
            return got[0]
        assert exchange.statuses(flow)[-1] == 403
        assert exchange.wire.take() == []
        return None

    def ends_second(self, *, flow: int = ALICES, own: str = "a1", other: str = "c1") -> None:
        """A BYE in the call with Carol."""
        assert self.second is not None
        route = tuple(("Route", value) for value in self.second.values("Record-Route"))
        sender = self.exchange.owners[flow]
        self.exchange.send(
            request("BYE", contact_of(CAROLS), flow=flow, sender=sender, to=CAROL, from_tag=own,
                    to_tag=other, call_id="second", cseq=9, branch="z9hG4bKends", headers=route)
        )  # fmt: skip
        self.exchange.wire.take()


@pytest.fixture
def two() -> Two:
    exchange = Exchange(registered=(ALICES, BOBS, BOBS_SECOND, CAROLS))
    exchange.owners[CAROLS_SECOND] = CAROL
    exchange.layer.open_flow(CAROLS_SECOND, "TLS")
    made = call(exchange)
    exchange.invite(uri=CAROL, call_id="second")
    exchange.answer(exchange.wire.one(CAROLS), 200, CAROLS, body=KEYED, to_tag="c1")
    second = exchange.wire.take(ALICES)[-1]
    exchange.register(CAROLS_SECOND)
    exchange.wire.take()
    return Two(exchange, made.ok, second=second)


def test_bob_takes_alices_place_at_the_phone_that_has_the_call(two: Two) -> None:
    assert two.refer() == 202
    got = two.takes()
    assert got is not None
    assert (got.method, got.uri) == ("INVITE", contact_of(CAROLS))
    assert got.headers("Replaces") == [PLACE]
    assert got.headers("P-Asserted-Identity") == [f'"Bob" <{BOB}>']
    exchange = two.exchange
    assert exchange.wire.take(CAROLS_SECOND) == []
    exchange.answer(got, 200, CAROLS, body=KEYED, to_tag="c2")
    assert exchange.statuses(BOBS) == [100, 200]


def test_the_new_call_is_one_like_any_other(two: Two) -> None:
    two.refer()
    got = two.takes()
    assert got is not None
    exchange = two.exchange
    exchange.answer(got, 200, CAROLS, body=KEYED, to_tag="c2")
    ok = exchange.wire.take(BOBS)[-1]
    route = tuple(("Route", value) for value in ok.values("Record-Route"))
    exchange.send(
        request("BYE", contact_of(CAROLS), flow=BOBS, sender=BOB, to=CAROL, to_tag="c2", cseq=2,
                call_id=got.call_id, branch="z9hG4bKbye", headers=route)
    )  # fmt: skip
    assert exchange.wire.one(CAROLS).method == "BYE"


@pytest.mark.parametrize(
    "place", ["second;from-tag=a1;to-tag=c1", " second ;to-tag=c1 ; from-tag=a1"]
)
def test_however_it_is_written(two: Two, place: str) -> None:
    assert two.refer(place) == 202
    assert two.takes(place) is not None


def test_that_it_is_required_may_be_said(two: Two) -> None:
    assert two.refer(Require="replaces") == 202
    assert two.takes(PLACE, ("Require", "replaces")) is not None


def test_who_was_called_gives_its_place_too() -> None:
    exchange = Exchange(registered=(ALICES, BOBS, CAROLS))
    made = call(exchange)
    exchange.invite(uri=ALICE, flow=CAROLS, sender=CAROL, call_id="second")
    exchange.answer(exchange.wire.one(ALICES), 200, ALICES, body=KEYED, to_tag="a2")
    two = Two(exchange, made.ok)
    exchange.wire.take()
    assert two.refer("second;to-tag=a1;from-tag=a2") == 202
    got = two.takes("second;to-tag=a1;from-tag=a2")
    assert got is not None
    assert got.uri == contact_of(CAROLS)


@pytest.mark.parametrize(("device", "status"), [(CAROLS, 202), (CAROLS_SECOND, 403), ("x", 403)])
def test_a_device_that_is_named_must_be_the_one(two: Two, device: int | str, status: int) -> None:
    gruu = f"{CAROL};gr=urn:uuid:{device}"
    assert two.refer(uri=gruu) == status
    assert two.refer() == 202
    assert (two.takes(uri=gruu) is not None) == (status == 202)


# --- what Alice may not give ---


@pytest.mark.parametrize(
    "place",
    [
        "second;to-tag=a1;from-tag=c1",
        "second;to-tag=c1;from-tag=a2",
        "second;to-tag=c2;from-tag=a1",
        "call;to-tag=c1;from-tag=a1",
        "call;to-tag=b1;from-tag=a1",
        "second;to-tag=c1;from-tag=a1;early-only",
        "second;to-tag=c1;from-tag=a1;x=y",
        "second",
    ],
)
def test_a_place_that_is_not_alices(two: Two, place: str) -> None:
    assert two.refer(place) == 403
    assert two.takes() is None


@pytest.mark.parametrize("uri", [ALICE, BOB, "sip:dave@d.test", f"{CAROL};method=BYE"])
def test_a_target_that_is_not_in_that_call(two: Two, uri: str) -> None:
    assert two.refer(uri=uri) == 403
    assert two.takes() is None


@pytest.mark.parametrize(
    "headers",
    [
        "Replaces=x",
        f"Replaces={quote(PLACE)}&Replaces={quote(PLACE)}",
        f"Replaces={quote(PLACE)}&replaces={quote(PLACE)}",
        f"Replaces={quote(PLACE)}&Join={quote(PLACE)}",
        f"Join={quote(PLACE)}",
        f"Replaces={quote(PLACE)}&Authorization=x",
        f"Replaces={quote(PLACE)}&Require=timer",
        f"Replaces={quote(PLACE)}%0d%0aX:y",
        f"Replaces={quote(PLACE)}%2C{quote(PLACE)}",
        "Require=replaces",
        "Replaces",
        "=",
    ],
)
def test_other_headers_for_bobs_call(two: Two, headers: str) -> None:
    assert two.sends_on(f"<{CAROL}?{headers}>") == 403
    assert two.takes() is None


def test_a_call_of_another_device_of_alices(two: Two) -> None:
    exchange = two.exchange
    exchange.owners[11] = ALICE
    exchange.layer.open_flow(11, "TLS")
    exchange.register(11)
    two.send(two.alice, "REFER", ("Refer-To", f"<{CAROL}?Replaces={quote(PLACE)}>"), flow=11)
    assert exchange.statuses(11) == [403]
    assert two.takes() is None


def test_a_call_that_bob_is_in_himself() -> None:
    exchange = Exchange(registered=(ALICES, BOBS, BOBS_SECOND))
    exchange.invite(uri=f"{BOB};gr=urn:uuid:{BOBS}")
    exchange.answer(exchange.wire.one(BOBS), 200, BOBS, body=KEYED)
    ok = exchange.wire.take(ALICES)[-1]
    exchange.invite(uri=f"{BOB};gr=urn:uuid:{BOBS_SECOND}", call_id="second")
    exchange.answer(exchange.wire.one(BOBS_SECOND), 200, BOBS_SECOND, body=KEYED, to_tag="c1")
    exchange.wire.take()
    assert Two(exchange, ok).refer(uri=BOB) == 403


def test_a_call_that_nobody_answered() -> None:
    exchange = Exchange(registered=(ALICES, BOBS, CAROLS))
    made = call(exchange)
    exchange.invite(uri=CAROL, call_id="second")
    exchange.answer(exchange.wire.one(CAROLS), 180, CAROLS, to_tag="c1")
    exchange.wire.take()
    assert Two(exchange, made.ok).refer() == 403


@pytest.mark.parametrize("where", [(), (("Contact", "<tel:+1>"),), (("Contact", "<sip:c@x_y>"),)])
def test_a_phone_that_cannot_be_called_where_it_says(where: tuple[tuple[str, str], ...]) -> None:
    exchange = Exchange(registered=(ALICES, BOBS, CAROLS))
    made = call(exchange)
    exchange.send(
        request("INVITE", CAROL, call_id="second", branch="z9hG4bKx", body=KEYED,
                headers=(*where, ("Content-Type", "application/sdp")))
    )  # fmt: skip
    exchange.answer(exchange.wire.one(CAROLS), 200, CAROLS, body=KEYED, to_tag="c1")
    exchange.wire.take()
    assert Two(exchange, made.ok).refer() == 403


# --- what others may not take ---


def test_nobody_takes_a_place_that_was_not_given(two: Two) -> None:
    assert two.takes() is None


@pytest.mark.parametrize(
    ("flow", "sender"),
    [(BOBS_SECOND, BOB), (ALICES, ALICE), (CAROLS_SECOND, CAROL)],
    ids=["another phone of Bob's", "Alice", "Carol"],
)
def test_who_was_not_sent_takes_no_place(two: Two, flow: int, sender: str) -> None:
    two.refer()
    assert two.takes(flow=flow, sender=sender) is None
    assert two.takes() is not None, "Bob's grant is as it was"


def test_no_place_is_taken_twice(two: Two) -> None:
    two.refer()
    assert two.takes() is not None
    two.exchange.wire.take()
    assert two.takes() is None


@pytest.mark.parametrize(
    "place",
    [
        "second;to-tag=a1;from-tag=c1",
        "second;to-tag=c1;from-tag=a2",
        "second;to-tag=c2;from-tag=a1",
        "call;to-tag=b1;from-tag=a1",
        "call;to-tag=a1;from-tag=b1",
        f"{PLACE};early-only",
        f"{PLACE};x=y",
        f"{PLACE}, {PLACE}",
        "x",
    ],
)
def test_another_place_is_not_taken(two: Two, place: str) -> None:
    two.refer()
    assert two.takes(place) is None
    assert two.takes() is not None


@pytest.mark.parametrize("uri", [ALICE, BOB])
def test_it_is_not_taken_at_another_person(two: Two, uri: str) -> None:
    two.refer()
    assert two.takes(uri=uri) is None
    assert two.takes() is not None


def test_it_is_not_taken_and_joined(two: Two) -> None:
    two.refer()
    assert two.takes(PLACE, ("Join", PLACE)) is None
    assert two.takes() is not None


@pytest.mark.parametrize("method", ["MESSAGE", "OPTIONS"])
def test_only_a_call_takes_a_place(two: Two, method: str) -> None:
    two.refer()
    two.exchange.send(
        request(method, CAROL, flow=BOBS, sender=BOB, headers=(("Replaces", PLACE), contact(BOBS)))
    )
    assert two.exchange.statuses(BOBS) == [403]
    assert two.takes() is not None


@pytest.mark.parametrize(
    ("seconds", "in_time"), [(GRANT_SECONDS - 0.2, True), (GRANT_SECONDS, False)]
)
def test_a_minute_later_it_is_too_late(two: Two, seconds: float, in_time: bool) -> None:
    two.refer()
    two.exchange.wheel.advance(seconds)
    two.exchange.wire.take()
    assert (two.takes() is not None) == in_time


def test_a_call_that_has_ended_is_not_replaced(two: Two) -> None:
    two.refer()
    two.ends_second()
    assert two.takes() is None
    assert two.refer() == 403


def test_a_stranger_does_not_end_it(two: Two) -> None:
    two.refer()
    two.ends_second(flow=BOBS)
    assert two.takes() is not None


@pytest.mark.parametrize("flow", [ALICES, CAROLS])
def test_a_call_whose_connection_is_lost_is_not_replaced(two: Two, flow: int) -> None:
    two.refer()
    two.exchange.lose(flow)
    assert two.takes() is None


def test_a_later_transfer_takes_the_place_of_an_earlier_one(two: Two) -> None:
    exchange = two.exchange
    dave, daves = "sip:dave@d.test", 12
    exchange.owners[daves] = dave
    exchange.people[dave] = replace(exchange.people[BOB], id="dave", user="dave")
    exchange.layer.open_flow(daves, "TLS")
    exchange.register(daves)
    two.refer()
    exchange.invite(uri=dave, call_id="fourth")
    exchange.answer(exchange.wire.one(daves), 200, daves, body=KEYED, to_tag="d1")
    ok = exchange.wire.take(ALICES)[-1]
    exchange.send(
        request("REFER", contact_of(daves), to=dave, to_tag="d1", call_id="fourth", cseq=2,
                branch="z9hG4bKd", headers=(
                    ("Refer-To", f"<{CAROL}?Replaces={quote(PLACE)}>"),
                    *(("Route", value) for value in ok.values("Record-Route"))))
    )  # fmt: skip
    assert exchange.wire.one(daves).method == "REFER"
    assert two.takes() is None
    assert two.takes(flow=daves, sender=dave) is not None


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.MEMBER])
def test_it_is_for_people_of_the_house(two: Two, kind: Kind) -> None:
    two.refer()
    two.exchange.kinds[BOBS] = kind
    assert two.takes() is None
    two.exchange.kinds[ALICES] = kind
    assert two.refer() == 403


# --- what uses nothing up ---


def test_a_call_that_fails_for_another_reason_uses_nothing_up(two: Two) -> None:
    two.refer()
    exchange = two.exchange
    for number, headers in enumerate(
        ((("Max-Breadth", "0"),), (("Route", "<sip:victim.example;lr>"),)), start=50
    ):
        exchange.invite(
            ("Replaces", PLACE), *headers, uri=CAROL, flow=BOBS, sender=BOB, call_id=str(number)
        )
        assert exchange.statuses(BOBS)[-1] in (403, 440)
        assert exchange.wire.take(CAROLS) == []
    exchange.invite(
        ("Replaces", PLACE), uri=CAROL, flow=BOBS, sender=BOB, call_id="plain", body=PLAIN
    )
    assert exchange.statuses(BOBS)[-1] == 488
    assert two.takes() is not None


def test_a_phone_of_another_kind_of_media_is_not_called_anew(two: Two) -> None:
    two.refer()
    got = two.takes()
    assert got is not None
    two.exchange.answer(got, 488, CAROLS)
    assert two.exchange.statuses(BOBS)[-1] == 488


def test_the_refusal_says_nothing_of_others_calls(two: Two) -> None:
    answers = []
    for place in (PLACE, "unknown;to-tag=1;from-tag=2"):
        two.cseq += 1
        two.exchange.invite(
            ("Replaces", place), uri=CAROL, flow=BOBS, sender=BOB, call_id=f"n{two.cseq}"
        )
        refused = two.exchange.wire.take(BOBS)[-1]
        answers.append((refused.status, refused.reason, refused.header("Warning")))
    assert answers[0] == answers[1]
    assert answers[0][2] is not None
