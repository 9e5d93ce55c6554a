"""Which kind of media a message offers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clients.unlike_media import FINGERPRINT, browser, phone
from tests.unit.sip.wire import BOB, request
from vestibule.calls.media_kind import MediaKind, kind_of
from vestibule.sip.message import SipMessage


def invite(body: bytes, content_type: str = "application/sdp") -> SipMessage:
    return request("INVITE", BOB, flow=1, headers=(("Content-Type", content_type),), body=body)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (phone(), MediaKind.PHONE),
        (browser(), MediaKind.BROWSER),
        (phone() + f"a=fingerprint:{FINGERPRINT}\na=ice-ufrag:abcd\n", None),
        (phone().replace("a=crypto", "a=x"), None),
        (browser().replace("m=audio", "m=video"), None),
        (phone(port=0), None),
        (phone(port=0) + browser().partition("a=group:BUNDLE 0\n")[2], MediaKind.BROWSER),
        ("v=1", None),
        ("", None),
    ],
)
def test_the_first_sound_in_use_decides(body: str, kind: MediaKind | None) -> None:
    assert kind_of(invite(body.encode())) is kind


def test_a_key_for_all_media_counts() -> None:
    lines = browser().splitlines(keepends=True)
    keys = [line for line in lines if line.startswith(("a=fingerprint", "a=ice-ufrag"))]
    others = [line for line in lines if line not in keys]
    moved = "".join(others[:4] + keys + others[4:])
    assert kind_of(invite(moved.encode())) is MediaKind.BROWSER


def test_only_a_session_description_is_read() -> None:
    assert kind_of(invite(phone().encode(), "text/plain")) is None


@given(st.text(max_size=200), st.binary(max_size=50))
def test_nothing_that_comes_is_an_error(text: str, noise: bytes) -> None:
    for body in (text.encode("utf-8", "replace"), noise, phone().encode() + noise):
        kind_of(invite(body))


def test_kinds_are_two() -> None:
    assert [kind.other.other for kind in MediaKind] == list(MediaKind)
    assert MediaKind.PHONE.other is MediaKind.BROWSER
