"""baresip in a meeting sees who speaks and is seen (C14): VP8 and H.264 under SDES, beside aiortc."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import av
import numpy as np
import pytest

from tests import module_deployment
from tests.clients.aiortc_media import Colour, Microphone, Picture
from tests.clients.audio import melody
from tests.clients.baresip import Baresip
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.interop.test_aiortc_room import BLUE, GREEN, RED, Seat, advances, close, sit_down
from tests.interop.test_baresip_calls import phone

network = module_deployment.network
deployment = module_deployment.deployment

Scene = tuple[Seat, Seat, Baresip]


@pytest.fixture(scope="module")
def seats(network: Network, deployment: Deployment) -> Iterator[tuple[Seat, Seat]]:
    """Alice and Bob with cameras."""
    with ExitStack() as kept:
        alice = sit_down(network, deployment, kept, "alice", 1, RED)
        bob = sit_down(network, deployment, kept, "bob", 2, BLUE)
        yield alice, bob


@pytest.fixture(scope="module", params=["VP8", "H264"])
def scene(
    request: pytest.FixtureRequest,
    network: Network,
    deployment: Deployment,
    seats: tuple[Seat, Seat],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    """They, of whom only Alice makes a sound, and Carol's phone, which has a camera too."""
    alice, bob = seats
    bob.peer.send("audio", None)
    alice.peer.send("audio", Microphone(melody(1, 6.0)))
    folder = tmp_path_factory.mktemp("pictures") / "carol"
    with phone(network, deployment, "carol", folder, 3, video_codecs=request.param) as carol:
        carol.wait_registered()
        carol.dial(deployment.facts["meeting"]["focus"])
        carol.wait_event("CALL_ESTABLISHED")
        carol.command("mute")
        yield alice, bob, carol


def sees(carol: Baresip, colour: Colour) -> None:
    """Until what the phone has decoded is of that colour, and moves."""

    def right() -> bytes | None:
        picture = carol.snapshot()
        shown = colour_of(picture)
        return picture.read_bytes() if shown and close(shown, colour) else None

    still = eventually(right, f"a picture of {colour}", 20.0)
    eventually(lambda: right() not in (None, still), "the picture to move", 20.0)


def colour_of(picture: Path) -> Colour | None:
    """The middle of its pixels; nothing as long as the phone is still writing it."""
    try:
        with av.open(str(picture)) as file:
            pixels = next(file.decode(video=0)).to_ndarray(format="rgb24").reshape(-1, 3)
    except (av.error.InvalidDataError, av.error.EOFError, StopIteration):
        return None
    red, green, blue = (int(value) for value in np.median(pixels, axis=0))
    return red, green, blue


def place_of_stranger(seat: Seat, known: set[str]) -> str | None:
    """Where the camera is of somebody who is none of those."""
    maps = [message["slots"] for message in seat.peer.messages if message["type"] == "slots"]
    for mid, content in maps[-1].items():
        if content and content["source"] == "camera" and content["endpoint"] not in known:
            return str(mid)
    return None


def test_a_phone_sees_who_speaks(scene: Scene) -> None:
    alice, bob, carol = scene
    sees(carol, RED)
    alice.peer.send("audio", None)
    bob.peer.send("audio", Microphone(melody(2, 6.0)))
    sees(carol, BLUE)


def test_a_phone_sees_a_shared_screen_first(scene: Scene) -> None:
    alice, _, carol = scene
    alice.peer.send("screen", Picture(GREEN))
    sees(carol, GREEN)
    alice.peer.send("screen", None)
    sees(carol, BLUE)


def test_a_phones_camera_is_seen_if_it_is_vp8(scene: Scene) -> None:
    alice, bob, carol = scene
    known = {alice.endpoint, bob.endpoint}
    if carol.video_codecs == "H264":
        sees(carol, BLUE)
        assert place_of_stranger(alice, known) is None
        return
    place = eventually(lambda: place_of_stranger(alice, known), "the phone's camera", 20.0)
    advances(alice.peer.slots[place])
