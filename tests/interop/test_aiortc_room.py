"""aiortc, a WebRTC stack of other people's, in a meeting's room (E10, E11, C14)."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import uuid4

import pytest

from tests.clients.aiortc_media import Colour, Microphone, Picture, Slot
from tests.clients.aiortc_peer import RoomPeer
from tests.clients.audio import RATE, likeness, melody
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.participant import Participant
from tests.clients.sip_line import status_of

RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 200, 30)
_TUNE_SECONDS = 6.0
"""What each says over and over."""
_SOUND_SECONDS = 3.0
_A_WHILE = 60
"""Frames of another medium, about a second of sound or two of pictures, in which nothing must come."""
_ON_THE_WAY = 10
"""Frames that may still come of what has just been stopped."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A member in the meeting, with aiortc for media."""

    who: Participant
    peer: RoomPeer
    endpoint: str

    def slot(self, other: "Seat", source: str) -> Slot:
        """Where it receives that of the other, once the room has told."""
        return eventually(
            lambda: self.peer.slot_of(other.endpoint, source), f"a place for {source}", 20.0
        )

    def hears(self, other: "Seat", seed: int) -> float:
        """How much of that melody comes from the other."""
        slot, enough = self.slot(other, "audio"), int(_SOUND_SECONDS * RATE)
        eventually(lambda: len(slot.heard()) > enough, "sound to come", 20.0)
        return likeness(melody(seed, _TUNE_SECONDS), slot.heard())

    def sees(self, other: "Seat", source: str, colour: Colour) -> None:
        """Until pictures of that colour come from the other, one after another."""
        slot = self.slot(other, source)
        eventually(lambda: close(slot.colour, colour), f"a picture of {colour}", 20.0)
        advances(slot)


def close(seen: Colour, sent: Colour) -> bool:
    return all(abs(one - other) < 25 for one, other in zip(seen, sent, strict=True))


def advances(slot: Slot, by: int = 15) -> None:
    """Until so many more frames have come."""
    before = slot.frames
    eventually(lambda: slot.frames > before + by, "more frames", 20.0)


def came_meanwhile(watched: Slot, clock: Slot) -> int:
    """Frames that one place received while another received as many as come in a while."""
    advances(clock, _ON_THE_WAY)
    before = watched.frames
    advances(clock, _A_WHILE)
    return watched.frames - before


@pytest.fixture(scope="module")
def pair(town: Network, house: Deployment) -> Iterator[tuple[Seat, Seat]]:
    """Alice, who leads, and Bob; each says a melody and shows a colour."""
    with ExitStack() as kept:
        alice = sit_down(town, house, kept, "alice", 1, RED)
        bob = sit_down(town, house, kept, "bob", 2, BLUE)
        yield alice, bob


def sit_down(
    network: Network, deployment: Deployment, kept: ExitStack, name: str, seed: int, colour: Colour
) -> Seat:
    host = network.add_host()
    who = kept.enter_context(Participant(host, deployment, name))
    who.join()
    endpoint = str(uuid4())
    granted = who.add_media(endpoint)
    peer = kept.enter_context(RoomPeer(host))
    peer.accept(who.open_media(granted, peer.offer()))
    peer.send("audio", Microphone(melody(seed, _TUNE_SECONDS)))
    peer.send("camera", Picture(colour))
    return Seat(who, peer, endpoint)


def test_each_hears_and_sees_the_other(pair: tuple[Seat, Seat]) -> None:
    alice, bob = pair
    assert bob.hears(alice, 1) > 0.9
    assert alice.hears(bob, 2) > 0.9
    assert alice.hears(bob, 1) < 0.6
    bob.sees(alice, "camera", RED)
    alice.sees(bob, "camera", BLUE)
    assert alice.peer.slot_of(alice.endpoint, "camera") is None, "nobody is sent their own picture"


def test_a_picture_that_is_not_shown_is_not_sent(pair: tuple[Seat, Seat]) -> None:
    alice, bob = pair
    picture, sound = alice.slot(bob, "camera"), alice.slot(bob, "audio")
    mid = alice.peer.mid_of(bob.endpoint, "camera")
    assert mid
    alice.peer.want({mid: 0})
    assert came_meanwhile(picture, clock=sound) == 0
    alice.peer.want({mid: 240})
    advances(picture)


def test_who_is_muted_is_not_heard(pair: tuple[Seat, Seat]) -> None:
    alice, bob = pair
    picture, sound = alice.slot(bob, "camera"), alice.slot(bob, "audio")
    assert status_of(alice.who.mute(bob.who.me, muted=True)) == 200
    assert came_meanwhile(sound, clock=picture) == 0
    assert status_of(alice.who.mute(bob.who.me, muted=False)) == 200
    advances(alice.slot(bob, "audio"))


def test_a_screen_comes_through_only_from_who_may_present(pair: tuple[Seat, Seat]) -> None:
    alice, bob = pair
    assert status_of(alice.who.make(bob.who.me, "attendee")) == 200
    bob.peer.send("screen", Picture(GREEN))
    camera = alice.slot(bob, "camera")
    *_, screen = alice.peer.slots.values()
    assert came_meanwhile(screen, clock=camera) == 0
    assert not any(close(slot.colour, GREEN) for slot in alice.peer.slots.values())
    assert status_of(alice.who.make(bob.who.me, "presenter")) == 200
    alice.sees(bob, "screen", GREEN)
    assert status_of(alice.who.make(bob.who.me, "attendee")) == 200
    assert came_meanwhile(screen, clock=camera) == 0
