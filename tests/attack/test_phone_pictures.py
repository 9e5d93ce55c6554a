"""ATTACKS 13, 32, 38: pictures go to phones that are in the meeting, where they are, and are moved by nobody else."""

import re
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.clients.calls import H264_PICTURES, KEYED, PICTURES
from tests.clients.deployment import Deployment
from tests.clients.guest import Guest
from tests.clients.namespaces import Network
from tests.clients.phone import Phone
from tests.clients.receiving_socket import ReceivingSocket
from tests.clients.sip_dialog import later
from tests.clients.sip_line import status_of
from tests.interop.test_aiortc_room import RED, Seat, sit_down

_A_WHILE = 60
"""Packets of a picture of 30 frames a second."""


@pytest.fixture(scope="module")
def alice(town: Network, house: Deployment) -> Iterator[Seat]:
    """Leads the meeting, talks, and has her camera on."""
    with ExitStack() as kept:
        yield sit_down(town, house, kept, "alice", 1, RED)


def video_port(sdp: str) -> int:
    """Where the room takes the phone's pictures; 0 if it declines."""
    found = re.search(r"(?m)^m=video (\d+)", sdp)
    assert found, sdp
    return int(found[1])


def test_nothing_is_seen_from_the_lobby(town: Network, house: Deployment, alice: Seat) -> None:
    host = town.add_host()
    with (
        Guest(host, house) as guest,
        closing(ReceivingSocket(host)) as ear,
        closing(ReceivingSocket(host)) as eye,
        Phone(town.add_host(), house, "bob") as bob,
    ):
        bob.join(pictures=True)
        offer = (KEYED + PICTURES).replace("192.0.2.1", host.address)
        offer = offer.replace("40000", str(ear.port)).replace("40002", str(eye.port))
        assert status_of(guest.knock_by_phone(offer)) == 183
        bob.eye.forget()
        bob.eye.receives(_A_WHILE, "what those see who are in")
        assert not eye.has_received()
        assert not ear.has_received()
        assert status_of(alice.who.admit(guest.me)) == 200
        accepted = guest.line.final()
        assert status_of(accepted) == 200
        guest.line.send(later("ACK", accepted, cseq=1))
        assert video_port(accepted) > 0
        eye.receives(_A_WHILE, "the picture for whom was let in")
        assert status_of(alice.who.remove(guest.me)) == 200
        bob.eye.forget()
        bob.eye.receives(_A_WHILE, "what those see who are in")
        eye.forget()
        bob.eye.receives(_A_WHILE, "what those see who are in")
        assert not eye.has_received(), "who was removed sees on"
        bob.leave()


def unproven_packets(ssrc: int) -> list[bytes]:
    """What anybody can write: a keyframe of VP8, wishes and goodbyes, STUN, DTLS, noise."""
    keyframe = b"\x90\xe0\x80\x01\x05\x20" + bytes((0x10, 0, 0, 0x9D, 1, 0x2A, 64, 1, 240, 0))
    rtp = struct.pack("!BBHII", 0x80, 98, 7, 9, ssrc) + keyframe + bytes(300)
    wish = struct.pack("!BBHII", 0x81, 206, 2, ssrc, ssrc)
    goodbye = struct.pack("!BBHIBBHI", 0x80, 201, 1, ssrc, 0x81, 203, 1, ssrc)
    return [rtp, wish + bytes(20), wish, goodbye, b"\x00\x01" + bytes(18), b"\x16" * 60, b"\x80"]


def test_packets_of_others_change_nothing(town: Network, house: Deployment, alice: Seat) -> None:
    with Phone(town.add_host(), house, "bob") as bob:
        port = video_port(bob.join(pictures=True))
        seen = bob.eye.receives(_A_WHILE, "the picture")
        (ssrc,) = struct.unpack("!I", seen[8:12])
        attacker = town.add_host()
        with closing(ReceivingSocket(attacker)) as mine:
            for packet in unproven_packets(ssrc) * 5:
                mine.udp.sendto(packet, (town.server.address, port))
            mine.udp.sendto(seen, (town.server.address, port))
            bob.eye.forget()
            bob.eye.receives(_A_WHILE, "the picture, where it was")
            assert not mine.has_received(), "pictures follow who proved nothing"
        maps = [m["slots"] for m in alice.peer.messages if m["type"] == "slots"]
        cameras = [c for c in maps[-1].values() if c and c["source"] == "camera"]
        assert cameras == [], "a stranger's camera is in the meeting"
        bob.leave()


@pytest.mark.usefixtures("alice")
def test_pictures_go_to_nobody_who_has_not_asked_for_them(town: Network, house: Deployment) -> None:
    victim = town.add_host()
    with closing(ReceivingSocket(victim)) as unasked, Phone(town.add_host(), house, "bob") as bob:
        lines = PICTURES.replace("40002", str(unasked.port)).split("\n")
        elsewhere = "\n".join([lines[0], f"c=IN IP4 {victim.address}", *lines[1:]])
        assert video_port(bob.join(pictures_at=elsewhere)) > 0
        bob.hears(_A_WHILE)
        assert not unasked.has_received(), "a stranger was sent pictures"
        bob.leave()


HOSTILE = {
    "everybody": PICTURES.replace("SAVP 98", "SAVP 98\nc=IN IP4 224.0.0.1"),
    "H.264 that no packet carries": PICTURES.replace("VP8", "H264"),
    "H.264 of no profile": H264_PICTURES.replace("42e01f", "ffffff"),
    "a key too short": PICTURES.replace("inline:d0Rm", "inline:"),
    "an odd clock": PICTURES.replace("90000", "8000"),
    "the microphone's number": PICTURES.replace("98", "999"),
    "nothing either way": PICTURES + "a=inactive\n",
}


@pytest.mark.parametrize("lines", HOSTILE.values(), ids=HOSTILE)
def test_pictures_that_can_not_be_leave_the_sound(
    town: Network, house: Deployment, lines: str
) -> None:
    with Phone(town.add_host(), house, "bob") as bob:
        sdp = bob.join(pictures_at=lines)
        assert re.findall(r"(?m)^m=(\w+)", sdp) == ["audio", "video"]
        assert video_port(sdp) == 0
        bob.hears(5)
        bob.leave()
