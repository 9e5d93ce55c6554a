"""ATTACKS 36: pictures that are decoded for phones with H.264 spoil nothing but themselves, and are so many at most."""

import copy
import random
import struct
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests import module_deployment
from tests.clients.aiortc_media import Encoded, Microphone, Picture
from tests.clients.audio import melody
from tests.clients.calls import H264_PICTURES
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.dpop import with_token
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import tokens
from tests.clients.phone import Phone
from tests.clients.sip_line import status_of
from tests.interop.test_aiortc_room import BLUE, RED, Seat, sit_down

_A_WHILE = 20
"""Packets of a picture of 15 frames a second."""

network = module_deployment.network


@pytest.fixture(scope="module")
def deployment(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A demo that transcodes one picture at a time."""
    folder = tmp_path_factory.mktemp("pictures") / "demo"
    env = {"VESTIBULE_TRANSCODED_PICTURES": "1"}
    with Deployment(network.server, folder, env=env) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def alice(network: Network, deployment: Deployment) -> Iterator[Seat]:
    """Leads the meeting, talks, and has her camera on."""
    with ExitStack() as kept:
        yield sit_down(network, deployment, kept, "alice", 1, RED)


def keyframe(width: int, height: int, body: bytes) -> bytes:
    """A VP8 keyframe that says it is so large (RFC 6386 section 9.1), with a first part as long as its body."""
    tag = 0x10 | len(body) << 5
    return struct.pack("<I", tag)[:3] + b"\x9d\x01\x2a" + struct.pack("<HH", width, height) + body


def hostile_frames() -> list[bytes]:
    """Heads that lie, bodies of noise, frames cut short, and the largest picture that can be said."""
    draw = random.Random(36)
    noise = [keyframe(320, 240, draw.randbytes(900)) for _ in range(20)]
    between = [bytes([0x11 | draw.randrange(8) << 5]) + draw.randbytes(400) for _ in range(20)]
    heads = [keyframe(*size, b"") for size in ((0, 0), (1, 1), (16_383, 16_383), (1_280, 720))]
    huge = keyframe(16_383, 16_383, draw.randbytes(1_000))
    return [*heads, *noise, *between, huge, *(frame[:12] for frame in noise)]


def test_hostile_pictures_spoil_nothing_but_themselves(
    network: Network, deployment: Deployment, alice: Seat
) -> None:
    with ExitStack() as kept:
        phone = kept.enter_context(Phone(network.add_host(), deployment, "carol"))
        assert "profile-level-id=42e01f" in phone.join(pictures_at=pictures_at(phone))
        phone.eye.receives(_A_WHILE, "the picture of who is no attacker")
        mallory = sit_down(network, deployment, kept, "bob", 2, BLUE)
        alice.peer.send("audio", None)
        eventually(lambda: speaks(mallory), "the attacker to be the one who speaks", 20.0)
        mallory.peer.send("camera", Encoded(hostile_frames()))
        place = mallory.slot(alice, "camera")
        seen = place.frames
        eventually(lambda: place.frames > seen + 60, "browsers to see on", 20.0)
        mallory.peer.send("audio", None)
        alice.peer.send("audio", Microphone(melody(1, 6.0)))
        eventually(lambda: speaks(alice), "the other one to speak again", 20.0)
        phone.eye.forget()
        phone.eye.receives(_A_WHILE * 3, "the picture of who speaks now")
        mallory.peer.send("camera", Picture(BLUE))
        alice.sees(mallory, "camera", BLUE)
        assert status_of(alice.who.remove(mallory.who.me)) == 200
        phone.leave()


def test_more_meetings_get_no_more_pictures(
    network: Network, deployment: Deployment, alice: Seat
) -> None:
    assert alice.endpoint
    other = another_meeting(network, deployment)
    with ExitStack() as kept:
        carol = kept.enter_context(Phone(network.add_host(), deployment, "carol"))
        carol.join(pictures_at=pictures_at(carol))
        carol.eye.receives(_A_WHILE, "the first picture")
        sit_down(network, other, kept, "bob", 2, BLUE)
        late = kept.enter_context(Phone(network.add_host(), other, "alice"))
        late.join(pictures_at=pictures_at(late))
        eventually(lambda: "media.pictures_lost" in deployment.log.read_text(), "the limit", 20.0)
        late.hears(_A_WHILE)
        assert not late.eye.has_received(), "a second picture is made"
        carol.eye.forget()
        carol.eye.receives(_A_WHILE, "the first picture, still")
        carol.leave()
        late.eye.receives(_A_WHILE, "the second picture, when there is a place")
        late.leave()


def another_meeting(network: Network, deployment: Deployment) -> Deployment:
    """The same demo with another meeting in place of its own."""
    transport = HostTransport(network.server, deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as browser:
        browser.headers.update(with_token(tokens(browser, deployment)["access_token"]))
        meeting = browser.post("/api/v1/meetings", json={"subject": ""}).json()
    other = copy.copy(deployment)
    other.facts = {**deployment.facts, "meeting": meeting}
    return other


def pictures_at(phone: Phone) -> str:
    """The lines of a phone that has H.264 alone."""
    return H264_PICTURES.replace("40002", str(phone.eye.port))


def speaks(seat: Seat) -> bool:
    """Whether the room says that it is they who speak."""
    told = [m["endpoint"] for m in seat.peer.messages if m["type"] == "speaker"]
    return bool(told) and told[-1] == seat.endpoint
