"""Calls of two in the native rooms as Python sees them."""

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.srtp_phone import LEG
from tests.clients.unlike_media import browser, browser_answer
from vestibule._native import Media, MediaRefused


@pytest.fixture
def media() -> Iterator[Media]:
    """Rooms on loopback, one of them open."""
    rooms = Media(bind="127.0.0.1", advertise="127.0.0.1", port_low=20000, port_high=40000)
    rooms.open_room("r")
    yield rooms
    rooms.close()


def is_open(media: Media, port: int) -> bool:
    """Whether the rooms have that port, once all that was asked of them is done."""
    media.stats("r", "")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def join_phone(media: Media, **changes: Any) -> int:
    return media.join_phone("r", "desk", **{**LEG, **changes})


def test_a_browser_is_answered_where_media_come_to(media: Media) -> None:
    answer = media.join_call("r", "web", browser(), audio=True)
    assert f"m=audio {media.browser_port} " in answer
    assert "a=sendrecv" in answer
    assert media.stats("r", "web") is not None


def test_our_offer_is_answered_once(media: Media) -> None:
    offer = media.offer_call("r", "web")
    assert f"m=audio {media.browser_port} " in offer
    assert all(
        line in offer for line in ("a=ice-lite", "a=fingerprint:sha-256 ", "a=setup:actpass")
    )
    assert media.stats("r", "web") is None
    media.accept_call("r", "web", browser_answer(offer), audio=True)
    assert media.stats("r", "web") is not None
    for again in (
        lambda: media.accept_call("r", "web", browser_answer(offer), audio=True),
        lambda: media.offer_call("r", "web"),
        lambda: media.accept_call("r", "other", browser_answer(offer), audio=True),
        lambda: media.renew_call("r", "other", browser()),
        lambda: media.offer_call("nowhere", "web"),
    ):
        with pytest.raises(MediaRefused) as refused:
            again()
        assert refused.value.status == 500


def test_each_offer_has_secrets_of_its_own(media: Media) -> None:
    texts = [media.offer_call("r", f"web{number}") for number in range(3)]
    for name in ("ice-pwd", "ice-ufrag"):
        assert len({re.findall(rf"a={name}:(\S+)", text)[0] for text in texts}) == 3


def test_a_later_offer_is_answered_unless_it_begins_anew(media: Media) -> None:
    media.join_call("r", "web", browser(), audio=True)
    assert "a=recvonly" in media.renew_call("r", "web", browser(direction="sendonly"))
    with pytest.raises(MediaRefused) as refused:
        media.renew_call("r", "web", browser().replace("abcd", "another"))
    assert refused.value.status == 488


def test_an_offered_phone_s_ports_are_open_until_it_is_withdrawn(media: Media) -> None:
    port = media.offer_phone("r", "desk")
    assert is_open(media, port)
    assert is_open(media, port + 1)
    media.leave("r", "desk")
    assert not is_open(media, port)
    assert not is_open(media, port + 1)
    port = media.offer_phone("r", "desk")
    instead = media.offer_phone("r", "desk")
    assert is_open(media, instead)
    assert instead == port or not is_open(media, port)
    media.close_room("r")
    assert not is_open(media, instead)


@pytest.mark.parametrize("mux", [True, False])
def test_a_phone_that_answers_has_the_ports_it_was_offered(media: Media, mux: bool) -> None:
    port = media.offer_phone("r", "desk")
    assert join_phone(media, rtcp_mux=mux) == port
    assert is_open(media, port + 1) is not mux
    with pytest.raises(MediaRefused):
        media.offer_phone("r", "desk")
    media.leave("r", "desk")
    assert not is_open(media, port)


def test_a_phone_that_can_not_join_gives_its_ports_back(media: Media) -> None:
    port = media.offer_phone("r", "desk")
    with pytest.raises(MediaRefused):
        join_phone(media, remote_host="224.0.0.1")
    assert not is_open(media, port)
