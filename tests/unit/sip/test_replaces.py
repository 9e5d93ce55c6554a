import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sip.wire import request
from vestibule.sip.message import MalformedMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.replaces import Replaces, place_of, require_own_place, takes_a_place

_WORDS = st.text("abcXYZ019.!%*_+`'~()<>:\\\"/[]?{}-", min_size=1, max_size=20)
_TOKENS = st.text("abcXYZ019.!%*_+`'~-", min_size=1, max_size=20)
_CALL_IDS = _WORDS | st.builds("{}@{}".format, _WORDS, _WORDS)
_ALL = st.builds(Replaces, _CALL_IDS, _TOKENS, _TOKENS, st.booleans())


@given(_ALL)
def test_writing_and_reading_is_the_identity(replaces: Replaces) -> None:
    assert Replaces.parse(str(replaces)) == replaces


@given(st.text(max_size=60))
def test_any_text_is_read_or_not(text: str) -> None:
    for candidate in (text, f"call;{text}", f"call;to-tag=1;from-tag=2;{text}"):
        found = Replaces.parse(candidate)
        assert found is None or Replaces.parse(str(found)) == found


@given(_ALL, st.sampled_from(["\r\n", "\n", "\0", ",", " x", ";", "é", '"a b"']))
def test_nothing_else_hides_in_it(replaces: Replaces, more: str) -> None:
    assert Replaces.parse(f"{replaces}{more}") is None


def test_the_parts_in_any_order_and_spelling() -> None:
    for text in (
        "a@b;to-tag=1;from-tag=2",
        "a@b;from-tag=2;to-tag=1",
        "a@b ; TO-TAG = 1;\tFrom-Tag=2",
    ):
        assert Replaces.parse(text) == Replaces("a@b", "1", "2")
    assert Replaces.parse("a;early-only;to-tag=1;from-tag=2") == Replaces("a", "1", "2", True)


@pytest.mark.parametrize(
    "text",
    [
        "", "call", "call;to-tag=1", "call;from-tag=1", ";to-tag=1;from-tag=2", "a@b@c;to-tag=1;from-tag=2",
        "call;to-tag=1;to-tag=3;from-tag=2", "call;to-tag=1;from-tag=2;From-Tag=3", "call;to-tag;from-tag=2",
        "call;to-tag=;from-tag=2", "call;to-tag=1;from-tag=2;early-only=x",
        "call;to-tag=1;from-tag=2;early-only;early-only",
        "call;to-tag=1;from-tag=2;other", "call;to-tag=1;from-tag=2;other=1", "a,b;to-tag=1;from-tag=2",
        f"{'a' * 1024};to-tag=1;from-tag=2",
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert Replaces.parse(text) is None


_ONE = ("Replaces", "call;to-tag=1;from-tag=2")


@pytest.mark.parametrize(
    ("headers", "place"),
    [
        ((_ONE,), Replaces("call", "1", "2")),
        ((("replaces", "call;to-tag=1;from-tag=2"),), Replaces("call", "1", "2")),
        ((("Replaces", "a;to-tag=1;from-tag=2, b;to-tag=1;from-tag=2"),), None),
        ((_ONE, ("Join", "call;to-tag=1;from-tag=2")), None),
        ((("Join", "call;to-tag=1;from-tag=2"),), None),
        ((("Replaces", ""),), None),
    ],
)
def test_a_request_is_about_one_other_call_or_none(
    headers: tuple[tuple[str, str], ...], place: Replaces | None
) -> None:
    message = request("INVITE", headers=headers)
    assert takes_a_place(message)
    assert place_of(message) == place
    with pytest.raises(SipRefusal) as refusal:
        require_own_place(message)
    assert refusal.value.status == 403


def test_a_header_that_is_there_twice_is_no_message() -> None:
    with pytest.raises(MalformedMessage):
        request("INVITE", headers=(_ONE, _ONE))


def test_a_plain_request_is_about_its_own_call() -> None:
    message = request("INVITE")
    assert not takes_a_place(message)
    assert place_of(message) is None
    require_own_place(message)
