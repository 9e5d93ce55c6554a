"""ATTACKS 43: nobody is recorded who hasn't agreed, whatever becomes of their media meanwhile."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import numpy as np

from tests import recorded_meeting
from tests.clients.aiortc_media import Microphone
from tests.clients.aiortc_peer import RoomPeer
from tests.clients.audio import RATE, Samples, likeness, loudness_at, melody, read_wav
from tests.clients.baresip import Baresip
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.participant import Participant
from tests.interop.test_baresip_calls import phone
from tests.recorded_meeting import AGREE, START, STOP, Caller, agrees, decoded, finished

alice = recorded_meeting.alice
leader = recorded_meeting.leader

_TAPE_TONE = 1400.0
_MARGIN = 1.0  # seconds between what the server counts, what it mixes, and what we ask


def test_consent_is_one_s_own_and_is_said(
    network: Network, deployment: Deployment, leader: Participant, alice: Caller
) -> None:
    with Participant(network.add_host(), deployment, "carol") as carol:
        carol.join()
        assert 'reason="notRecorded"' in carol.command(AGREE.replace("{access}", "granted"))
        assert 'code="success"' in leader.command(START)
        of_another = AGREE.replace("<access>", f"<userEntity>{carol.me}</userEntity><access>")
        leader.command(of_another.replace("{access}", "granted"))
        for said in ("", "maybe", "true"):
            answer = carol.command(AGREE.replace("{access}", said))
            assert 'reason="requestMalformed"' in answer
        agreed = {one["entity"]: one["agrees"] for one in alice.progress()["participants"]}
        assert agreed == {leader.me: True, carol.me: False}
        leader.command(STOP)
    finished(alice)


def between(sound: Samples, start: float, end: float) -> Samples:
    return sound[int((start + _MARGIN) * RATE) : int((end - _MARGIN) * RATE)]


@contextmanager
def inside(
    network: Network, deployment: Deployment, leader: Participant, folder: Path
) -> Iterator[Baresip]:
    """Bob's phone, in the meeting."""
    with phone(network, deployment, "bob", folder, 7) as speaker:
        speaker.wait_registered()
        speaker.dial(leader.focus)
        speaker.wait_event("CALL_ESTABLISHED")
        yield speaker


def hears_the_tape_tone(listener: Baresip) -> bool:
    path = listener.heard()
    samples = read_wav(path) if path and path.stat().st_size > 4000 else np.zeros(0)
    step = RATE // 20
    pieces = (samples[start : start + step] for start in range(0, len(samples) - step, step))
    return any(
        float(np.sqrt(np.mean(piece**2))) > 0.05 and loudness_at(piece, _TAPE_TONE) > 0.6
        for piece in pieces
    )


def test_who_has_not_agreed_is_not_in_the_file(
    network: Network, deployment: Deployment, leader: Participant, alice: Caller, tmp_path: Path
) -> None:
    bob = deployment.user("bob").sip
    with inside(network, deployment, leader, tmp_path / "bob") as speaker:
        assert 'code="success"' in leader.command(START)
        eventually(lambda: hears_the_tape_tone(speaker), "the phone to be told by a tone", 30.0)
        alice.waits_until(5.0)
        assert not agrees(alice, bob)
        before = alice.progress()["seconds"]
        for key in "*9":
            speaker.command("sndcode", key)
        eventually(lambda: agrees(alice, bob), "the phone's own word")
        agreed = alice.progress()["seconds"]
        alice.waits_until(agreed + 7.0)
        for key in "*9":
            speaker.command("sndcode", key)
        eventually(lambda: not agrees(alice, bob), "the phone's word taken back")
        disagreed = alice.progress()["seconds"]
        alice.waits_until(disagreed + 4.0)
        leader.command(STOP)
    sound = decoded(alice, finished(alice)["id"], tmp_path)
    assert len(sound) / RATE > disagreed + 3.0
    for silence in (
        sound[: int((before - _MARGIN) * RATE)],
        sound[int((disagreed + _MARGIN) * RATE) :],
    ):
        assert float(np.abs(silence).max()) < 0.01
    assert likeness(melody(7, 60.0), between(sound, agreed, disagreed)) > 0.6


class Speaker:
    """Carol in the meeting, with media that come and go; what she says is one melody."""

    def __init__(self, network: Network, deployment: Deployment, kept: ExitStack) -> None:
        self.host = network.add_host()
        self.who = kept.enter_context(Participant(self.host, deployment, "carol"))
        self.who.join()

    @contextmanager
    def media(self) -> Iterator[None]:
        """Media anew, from connecting to hanging up."""
        with RoomPeer(self.host) as peer:
            granted = self.who.add_media(str(uuid4()))
            peer.accept(self.who.open_media(granted, peer.offer()))
            eventually(lambda: peer.state == "connected", "media to be up")
            peer.send("audio", Microphone(melody(9, 60.0)))
            yield
            self.who.close_media()

    def says(self, access: str) -> None:
        """Her word on being recorded."""
        answer = self.who.command(AGREE.replace("{access}", access))
        assert 'code="success"' in answer


def records_for(alice: Caller, seconds: float) -> tuple[float, float]:
    """The time of the recording, now and after so much of it."""
    begin = alice.progress()["seconds"]
    alice.waits_until(begin + seconds)
    return begin, begin + seconds


def is_silent(sound: Samples) -> bool:
    return len(sound) > RATE // 2 and float(np.abs(sound).max()) < 0.01


def test_media_that_come_back_are_recorded_by_consent_only(
    network: Network, deployment: Deployment, leader: Participant, alice: Caller, tmp_path: Path
) -> None:
    """Consent is a device's for one recording: it outlives the media, as does a no."""
    with ExitStack() as kept:
        carol = Speaker(network, deployment, kept)
        assert 'code="success"' in leader.command(START)
        with carol.media():
            unasked = records_for(alice, 3.0)
        with carol.media():
            unasked_again = records_for(alice, 3.0)
            carol.says("granted")
            records_for(alice, 2.0)
        with carol.media():
            agreed = records_for(alice, 5.0)
        carol.says("denied")
        with carol.media():
            disagreed = records_for(alice, 3.0)
        carol.says("granted")
        leader.command(STOP)
    sound = decoded(alice, finished(alice)["id"], tmp_path)
    for silence in (unasked, unasked_again, disagreed):
        assert is_silent(between(sound, *silence)), silence
    assert likeness(melody(9, 60.0), between(sound, *agreed)) > 0.6


def test_what_was_agreed_for_one_recording_is_void_for_the_next(
    network: Network, deployment: Deployment, leader: Participant, alice: Caller, tmp_path: Path
) -> None:
    with ExitStack() as kept:
        carol = Speaker(network, deployment, kept)
        leader.command(START)
        carol.says("granted")
        leader.command(STOP)
        finished(alice)
        leader.command(START)
        with carol.media():
            assert not agrees(alice, carol.who.me)
            records_for(alice, 3.0)
        leader.command(STOP)
    assert is_silent(decoded(alice, finished(alice)["id"], tmp_path))


def test_a_phone_that_dials_again_is_asked_again(
    network: Network, deployment: Deployment, leader: Participant, alice: Caller, tmp_path: Path
) -> None:
    bob = deployment.user("bob").sip
    with inside(network, deployment, leader, tmp_path / "bob") as speaker:
        leader.command(START)
        for key in "*9":
            speaker.command("sndcode", key)
        eventually(lambda: agrees(alice, bob), "the phone's own word")
        speaker.command("hangup")
        speaker.wait_event("CALL_CLOSED")
        speaker.dial(leader.focus)
        speaker.wait_event("CALL_ESTABLISHED")
        assert not agrees(alice, bob)
        again = records_for(alice, 4.0)
        leader.command(STOP)
    sound = decoded(alice, finished(alice)["id"], tmp_path)
    assert is_silent(between(sound, *again))
