"""What the keys of a phone do in a meeting (T1)."""

from hypothesis import given
from hypothesis import strategies as st

from vestibule.conferencing.phone_keys import PhoneKeys, Wish


def test_star_six_is_a_wish_each_time() -> None:
    keys = PhoneKeys()
    assert [keys.press("a", key) for key in "*6*6"] == [None, Wish.MUTE, None, Wish.MUTE]


def test_star_nine_is_another() -> None:
    keys = PhoneKeys()
    assert [keys.press("a", key) for key in "*9*6"] == [None, Wish.CONSENT, None, Wish.MUTE]


def test_keys_before_do_not_matter() -> None:
    keys = PhoneKeys()
    assert [keys.press("a", key) for key in "1**6"] == [None, None, None, Wish.MUTE]


def test_two_phones_do_not_complete_each_other() -> None:
    keys = PhoneKeys()
    keys.press("a", "*")
    assert not keys.press("b", "6")


def test_a_phone_that_left_begins_anew() -> None:
    keys = PhoneKeys()
    keys.press("a", "*")
    keys.forget("a")
    assert not keys.press("a", "6")


@given(st.text("0123456789*#ABCD", max_size=60))
def test_as_many_wishes_as_there_are_in_what_was_pressed(pressed: str) -> None:
    keys = PhoneKeys()
    wishes = [wish for key in pressed if (wish := keys.press("a", key))]
    assert wishes.count(Wish.MUTE) == pressed.count("*6")
    assert wishes.count(Wish.CONSENT) == pressed.count("*9")
