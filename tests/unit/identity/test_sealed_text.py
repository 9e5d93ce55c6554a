"""Sealed text opens as it was written only."""

import string

from hypothesis import given
from hypothesis import strategies as st

from vestibule.identity.sealed_text import SealedText

SEALED = SealedText(bytes(32))
CHARACTERS = string.ascii_letters + string.digits + "-_+/="


@given(st.binary(max_size=40), st.text(max_size=10))
def test_what_is_sealed_opens_for_the_same_thing_only(content: bytes, about: str) -> None:
    text = SEALED.seal(content, about)
    assert SEALED.open(text, about) == content
    assert SEALED.open(text, f"{about}x") is None
    assert SealedText(bytes([1] * 32)).open(text, about) is None


@given(st.binary(max_size=40), st.data())
def test_no_character_can_be_another(content: bytes, data: st.DataObject) -> None:
    """Not even one that decodes to the same octets: whoever compares texts must not take two for one."""
    text = SEALED.seal(content)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from([c for c in CHARACTERS if c != text[place]]))
    assert SEALED.open(text[:place] + other + text[place + 1 :]) is None


def test_what_is_no_sealed_text_is_none() -> None:
    for text in ("", "A", "!", "ÄÖ", "AAAA" * 20, SEALED.seal(b"x") + "="):
        assert SEALED.open(text) is None
