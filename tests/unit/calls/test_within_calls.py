"""What happens in a call that was set up: only its two people get through, each to the other."""

import pytest

from tests.unit.calls.exchange import (
    ALICES,
    BOBS,
    BOBS_SECOND,
    CAROL,
    CAROLS,
    KEYED,
    PLAIN,
    SERVER,
    Exchange,
    call,
    contact_of,
)
from tests.unit.sip.wire import ALICE, BOB, request


def test_the_ack_goes_through() -> None:
    made = call(Exchange())
    made.send(made.alice, "ACK", cseq=1)
    ack = made.exchange.wire.one(BOBS)
    assert (ack.method, ack.uri, ack.cseq) == ("ACK", contact_of(BOBS), 1)
    assert (ack.values("Route"), ack.via_count) == ([], 2)


@pytest.mark.parametrize("method", ["BYE", "INFO", "UPDATE", "MESSAGE", "NOTIFY"])
def test_either_side_reaches_the_other(method: str) -> None:
    made = call(Exchange())
    exchange = made.exchange
    made.send(made.alice, method)
    got = exchange.wire.one(BOBS)
    assert (got.method, got.uri) == (method, contact_of(BOBS))
    assert got.values("Route") == []
    exchange.answer(got, 200, BOBS)
    assert exchange.statuses(ALICES) == [200]
    made.send(made.bob, method)
    got = exchange.wire.one(ALICES)
    assert (got.method, got.uri) == (method, contact_of(ALICES))
    exchange.answer(got, 200, ALICES)
    assert exchange.statuses(BOBS) == [200]


def test_a_new_offer_keeps_us_in_the_route() -> None:
    made = call(Exchange())
    made.send(made.bob, "INVITE", body=KEYED)
    exchange = made.exchange
    got = exchange.wire.one(ALICES)
    assert len(got.values("Record-Route")) == 1
    exchange.answer(got, 200, ALICES, body=KEYED, to_tag="a1")
    assert exchange.statuses(BOBS) == [100, 200]
    made.send(made.bob, "ACK", cseq=1)
    assert exchange.wire.one(ALICES).method == "ACK"


# --- strangers (ATTACKS 8) ---


@pytest.mark.parametrize("method", ["BYE", "INVITE", "INFO"])
def test_a_third_person_who_knows_everything_gets_nowhere(method: str) -> None:
    made = call(Exchange())
    exchange = made.exchange
    made.send(made.alice, method, flow=CAROLS)
    made.send(made.bob, method, flow=CAROLS)
    assert [s for s in exchange.statuses(CAROLS) if s > 100] == [403, 403]
    assert exchange.wire.take() == []


def test_a_third_persons_ack_is_lost() -> None:
    made = call(Exchange())
    made.send(made.alice, "ACK", cseq=1, flow=CAROLS)
    assert made.exchange.wire.take() == []


def test_without_our_route_there_is_no_way() -> None:
    made = call(Exchange())
    made.send(made.alice, "BYE", route=False)
    assert made.exchange.statuses(ALICES) == [481]
    made.send(made.alice, "ACK", cseq=1, route=False)
    assert made.exchange.wire.take() == []


@pytest.mark.parametrize("change", ["flip", "other call", "junk", "short", "elsewhere"])
def test_a_route_that_is_not_ours_for_this_call(change: str) -> None:
    made = call(Exchange())
    [route] = made.ok.values("Record-Route")
    token = route.removeprefix("<sip:").partition("@")[0]
    changed = {
        "flip": ("B" if token[30] == "A" else "A").join((token[:30], token[31:])),
        "other call": token,
        "junk": "x!" + token,
        "short": token[:20],
        "elsewhere": token,
    }[change]
    host = "victim.example" if change == "elsewhere" else SERVER
    made.exchange.send(
        request(
            "BYE", contact_of(BOBS), from_tag="a1", to=BOB, to_tag="b1", cseq=2,
            call_id="another" if change == "other call" else "call",
            headers=(("Route", f"<sip:{changed}@{host};transport=tls;lr>"),),
        )
    )  # fmt: skip
    assert made.exchange.statuses(ALICES) == [481]
    assert made.exchange.wire.take() == []


def test_the_rest_of_the_route_leads_nowhere_else() -> None:
    made = call(Exchange())
    made.send(made.alice, "BYE", ("Route", "<sip:victim.example;lr>"))
    assert made.exchange.statuses(ALICES) == [403]


# --- transfer (ATTACKS 14) ---


def test_a_transfer_says_who_asks_for_it() -> None:
    made = call(Exchange())
    made.send(made.bob, "REFER", ("Refer-To", f"<{CAROL}>"), ("b", "<sip:evil@d.test>"))
    got = made.exchange.wire.one(ALICES)
    assert got.headers("Refer-To") == [f"<{CAROL}>"]
    assert got.headers("Referred-By") == [f"<{BOB}>"]
    made.exchange.answer(got, 202, ALICES)
    assert made.exchange.statuses(BOBS) == [202]
    made.send(made.alice, "NOTIFY", ("Event", "refer"), ("Subscription-State", "active"))
    assert made.exchange.wire.one(BOBS).method == "NOTIFY"


def test_a_call_doesnt_say_who_asked_for_it() -> None:
    exchange = Exchange()
    exchange.invite(("Referred-By", "<sip:evil@d.test>"))
    assert exchange.wire.one(BOBS).header("Referred-By") is None


@pytest.mark.parametrize(
    ("targets", "status"),
    [
        ([], 400),
        ([""], 400),
        (["<sip:carol@d.test>, <sip:alice@d.test>"], 400),
        (["<sip:carol@d.test"], 400),
        (["sip:carol@d.test;method=BYE"], 400),
        (['"<sip:x@evil.test>" <sip:carol@d.test>;x=y'], 202),
        (["sip:carol@d.test"], 202),
        (["<sip:carol@d.test;gr=urn:uuid:1>"], 202),
        (["<sip:carol@d.test;method=INVITE>"], 202),
        (["<sip:carol@d.test;method=BYE>"], 403),
        (["<sip:carol@d.test?Replaces=call%3Bto-tag%3D1%3Bfrom-tag%3D2>"], 403),
        (["<sip:carol@d.test?Authorization=x>"], 403),
        (["<sip:carol@evil.test>"], 403),
        (["<sip:192.0.2.9>"], 403),
        (["<sip:d.test>"], 403),
        (["<tel:+3120>"], 416),
        (["<https://evil.test/>"], 416),
        (["<cid:list@d.test>"], 416),
    ],
)
def test_where_a_call_may_be_transferred_to(targets: list[str], status: int) -> None:
    made = call(Exchange())
    made.send(made.bob, "REFER", *(("Refer-To", target) for target in targets))
    got = made.exchange.wire.take(ALICES)
    assert len(got) == (status == 202)
    if got:
        made.exchange.answer(got[0], 202, ALICES)
    assert made.exchange.statuses(BOBS) == [status]


@pytest.mark.parametrize("header", ["Replaces", "Join"])
def test_a_call_doesnt_take_anothers_place_from_within_either(header: str) -> None:
    made = call(Exchange())
    made.send(made.alice, "INVITE", (header, "x;to-tag=1;from-tag=2"), body=KEYED)
    assert made.exchange.statuses(ALICES)[-1] == 403
    assert made.exchange.wire.take(BOBS) == []


# --- keys ---


def test_an_answer_without_keys_ends_the_call_for_who_asked_too() -> None:
    made = call(Exchange())
    exchange = made.exchange
    made.send(made.bob, "INVITE", body=KEYED)
    exchange.answer(exchange.wire.one(ALICES), 200, ALICES, body=PLAIN, to_tag="a1")
    assert exchange.statuses(BOBS) == [100, 481]
    assert [message.method for message in exchange.wire.take(ALICES)] == ["ACK", "BYE"]


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_new_offer_without_keys(method: str) -> None:
    made = call(Exchange())
    made.send(made.alice, method, body=PLAIN)
    assert made.exchange.statuses(ALICES)[-1] == 488
    assert made.exchange.wire.take(BOBS) == []


def test_an_answer_without_keys_in_the_ack_is_lost() -> None:
    made = call(Exchange())
    made.send(made.alice, "ACK", cseq=1, body=PLAIN)
    assert made.exchange.wire.take() == []


# --- devices that come and go ---


def test_a_device_that_came_back_is_found_again() -> None:
    made = call(Exchange())
    exchange = made.exchange
    exchange.lose(BOBS)
    exchange.owners[9] = BOB
    exchange.layer.open_flow(9, "TLS")
    exchange.register(9, instance=f"<urn:uuid:{BOBS}>", contact="sip:phone2@192.0.2.77")
    made.send(made.alice, "BYE")
    assert exchange.wire.one(9).method == "BYE"


def test_a_device_without_an_instance_is_known_by_its_contact() -> None:
    exchange = Exchange(registered=(ALICES,))
    exchange.register(BOBS, instance="")
    made = call(exchange)
    exchange.lose(BOBS)
    exchange.owners[9] = BOB
    exchange.layer.open_flow(9, "TLS")
    exchange.register(9, instance="", contact=contact_of(BOBS))
    made.send(made.alice, "BYE")
    assert exchange.wire.one(9).method == "BYE"


def test_a_caller_that_came_back_may_go_on_and_be_reached() -> None:
    made = call(Exchange())
    exchange = made.exchange
    exchange.lose(ALICES)
    exchange.owners[9] = ALICE
    exchange.layer.open_flow(9, "TLS")
    exchange.register(9, instance=f"<urn:uuid:{ALICES}>", contact=contact_of(ALICES))
    made.send(made.alice, "ACK", cseq=1, flow=9)
    assert exchange.wire.one(BOBS).method == "ACK"
    made.send(made.bob, "BYE")
    assert exchange.wire.one(9).method == "BYE"


def test_a_device_that_is_gone() -> None:
    made = call(Exchange())
    made.exchange.lose(BOBS)
    made.send(made.alice, "BYE")
    made.exchange.wheel.advance(1)
    assert made.exchange.statuses(ALICES) == [480]


def test_a_call_between_two_devices_of_one_person() -> None:
    exchange = Exchange(registered=(BOBS, BOBS_SECOND))
    exchange.invite(uri=f"{BOB};gr=urn:uuid:{BOBS_SECOND}", flow=BOBS, sender=BOB)
    got = exchange.wire.one(BOBS_SECOND)
    exchange.answer(got, 200, BOBS_SECOND, body=KEYED)
    [route] = exchange.wire.take(BOBS)[-1].values("Record-Route")
    for flow, other, tags in (
        (BOBS, BOBS_SECOND, ("a1", "b1")), (BOBS_SECOND, BOBS, ("b1", "a1")),
    ):  # fmt: skip
        exchange.send(
            request("INFO", contact_of(other), flow=flow, sender=BOB, to=BOB, cseq=2,
                    from_tag=tags[0], to_tag=tags[1], call_id="call",
                    headers=(("Route", route),))
        )  # fmt: skip
        assert exchange.wire.one(other).method == "INFO"


def test_who_never_registered_may_call() -> None:
    exchange = Exchange(registered=(BOBS,))
    made = call(exchange)
    made.send(made.bob, "BYE")
    assert exchange.wire.one(ALICES).method == "BYE"
    exchange.invite(uri=BOB, flow=CAROLS, sender=CAROL, call_id="next")
    assert exchange.wire.one(BOBS).from_uri == CAROL
