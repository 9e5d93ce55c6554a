"""ATTACKS 43: nobody is recorded who hasn't agreed, and nobody gets at a recording but the organizer."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.clients.audio import RATE, Samples, likeness, loudness_at, melody, read_wav
from tests.clients.baresip import Baresip
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.dpop import with_token
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import hold_a_key, tokens
from tests.clients.participant import Participant
from tests.clients.raw_https import RawHttps, statuses
from tests.interop.test_baresip_calls import phone

_START = '<startRecording><conferenceKeys confEntity="{focus}"/></startRecording>'
_STOP = _START.replace("start", "stop")
_AGREE = "<setRecordingConsent><access>{access}</access></setRecordingConsent>"
_TAPE_TONE = 1400.0
_LOST_BY_A_KILL = 3.0  # seconds, at most
_MARGIN = 1.0  # seconds between what the server counts, what it mixes, and what we ask


class Caller:
    """Somebody who signed in, at the HTTP API."""

    def __init__(self, network: Network, deployment: Deployment, name: str) -> None:
        transport = HostTransport(network.add_host(), deployment.authority)
        self.http = httpx.Client(transport=transport, base_url=deployment.origin, timeout=30)
        self.key = hold_a_key(self.http)
        self.token: str = tokens(self.http, deployment, name)["access_token"]
        self.recording = f"/api/v1/meetings/{deployment.facts['meeting']['id']}/recording"

    def ask(self, method: str, path: str | None = None, *, proven: bool = True) -> httpx.Response:
        headers = with_token(self.token if proven else None)
        return self.http.request(method, path or self.recording, headers=headers)

    def kept(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.ask("GET", "/api/v1/recordings").json()
        return listed

    def progress(self) -> dict[str, Any]:
        """Of the recording that goes on."""
        told: dict[str, Any] = self.ask("GET").json()
        return told

    def waits_until(self, seconds: float) -> None:
        """For so much recorded time."""
        eventually(lambda: self.progress()["seconds"] >= seconds, f"{seconds} s recorded", 60.0)


@pytest.fixture(scope="module")
def alice(network: Network, deployment: Deployment) -> Caller:
    """The organizer."""
    return Caller(network, deployment, "alice")


@pytest.fixture(scope="module")
def bob(network: Network, deployment: Deployment) -> Caller:
    """Of the same organisation."""
    return Caller(network, deployment, "bob")


def allow(deployment: Deployment, alice: Caller) -> None:
    """Until the server has noticed."""
    deployment.vestibule("policy", "set", "--recording")
    eventually(lambda: alice.ask("POST").status_code != 403, "the policy to be in force")


@pytest.fixture
def leader(network: Network, deployment: Deployment, alice: Caller) -> Iterator[Participant]:
    """Alice in her meeting, where recording is allowed."""
    allow(deployment, alice)
    with Participant(network.add_host(), deployment, "alice") as leader:
        leader.join()
        yield leader


def finished(alice: Caller) -> dict[str, Any]:
    """The newest recording, once nothing is written to it any more."""

    def newest() -> dict[str, Any] | None:
        found = next(iter(alice.kept()), None)
        return found if found and found["state"] != "recording" else None

    return eventually(newest, "the recording to be finished")


def test_without_the_policy_nobody_records(
    network: Network, deployment: Deployment, alice: Caller
) -> None:
    with Participant(network.add_host(), deployment, "alice") as leader:
        leader.join()
        assert 'reason="recordingNotAllowed"' in leader.command(_START)
        assert alice.ask("POST").status_code == 403
        assert leader.watch() == 200
        assert 'state="not-allowed"' in leader.hears_of("conference-description")
    assert not alice.kept()
    assert not list((deployment.folder / "recordings").iterdir())


def test_neither_an_attendee_nor_a_colleague_starts_or_stops_anything(
    network: Network, deployment: Deployment, leader: Participant, alice: Caller, bob: Caller
) -> None:
    with Participant(network.add_host(), deployment, "carol") as carol:
        carol.join()
        leader.make(carol.me, "attendee")
        assert 'reason="accessDenied"' in carol.command(_START)
        assert bob.ask("POST").status_code == 404
        assert bob.ask("POST", proven=False).status_code == 401
        assert alice.ask("GET").status_code == 409, "nothing is recorded"
        assert 'code="success"' in leader.command(_START)
        assert 'reason="accessDenied"' in carol.command(_STOP)
        assert bob.ask("DELETE").status_code == 404
        assert alice.ask("GET").status_code == 200, "it goes on"
        assert bob.ask("GET").status_code == 404
        assert 'code="success"' in leader.command(_STOP)
    assert finished(alice)["state"] == "finished"


def test_consent_is_one_s_own_and_is_said(
    network: Network, deployment: Deployment, leader: Participant, alice: Caller
) -> None:
    with Participant(network.add_host(), deployment, "carol") as carol:
        carol.join()
        assert 'reason="notRecorded"' in carol.command(_AGREE.replace("{access}", "granted"))
        assert 'code="success"' in leader.command(_START)
        of_another = _AGREE.replace("<access>", f"<userEntity>{carol.me}</userEntity><access>")
        leader.command(of_another.replace("{access}", "granted"))
        for said in ("", "maybe", "true"):
            answer = carol.command(_AGREE.replace("{access}", said))
            assert 'reason="requestMalformed"' in answer
        agreed = {one["entity"]: one["agrees"] for one in alice.progress()["participants"]}
        assert agreed == {leader.me: True, carol.me: False}
        leader.command(_STOP)
    finished(alice)


def decoded(alice: Caller, recording_id: str, folder: Path) -> Samples:
    """What is to be heard in a recording, as ffmpeg reads it."""
    file = alice.ask("GET", f"/api/v1/recordings/{recording_id}")
    assert file.status_code == 200
    assert file.headers["content-disposition"].startswith("attachment;")
    assert file.headers["x-content-type-options"] == "nosniff"
    (folder / "recording.webm").write_bytes(file.content)
    wanted = ["-ac", "1", "-ar", str(RATE), "-c:a", "pcm_s16le", str(folder / "recording.wav")]
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(folder / "recording.webm"), *wanted],
        check=True,
    )
    return read_wav(folder / "recording.wav")


def between(sound: Samples, start: float, end: float) -> Samples:
    return sound[int((start + _MARGIN) * RATE) : int((end - _MARGIN) * RATE)]


def agrees(alice: Caller, entity: str) -> bool:
    return any(one["agrees"] for one in alice.progress()["participants"] if one["entity"] == entity)


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
    with phone(network, deployment, "bob", tmp_path / "bob", 7) as speaker:
        speaker.wait_registered()
        speaker.dial(leader.focus)
        speaker.wait_event("CALL_ESTABLISHED")
        assert 'code="success"' in leader.command(_START)
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
        leader.command(_STOP)
    sound = decoded(alice, finished(alice)["id"], tmp_path)
    assert len(sound) / RATE > disagreed + 3.0
    for silence in (
        sound[: int((before - _MARGIN) * RATE)],
        sound[int((disagreed + _MARGIN) * RATE) :],
    ):
        assert float(np.abs(silence).max()) < 0.01
    assert likeness(melody(7, 60.0), between(sound, agreed, disagreed)) > 0.6


def test_a_recording_is_its_organizer_s_and_nobody_else_s(
    deployment: Deployment, leader: Participant, alice: Caller, bob: Caller
) -> None:
    leader.command(_START)
    leader.command(_STOP)
    path = f"/api/v1/recordings/{finished(alice)['id']}"
    for method in ("GET", "DELETE"):
        refused = bob.ask(method, path)
        assert refused.status_code == 404
        assert refused.text == bob.ask(method, f"/api/v1/recordings/{'A' * 22}").text
        assert bob.ask(method, path, proven=False).status_code == 401
    assert bob.kept() == []
    folder = deployment.folder / "recordings"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert alice.ask("GET", path).status_code == 200
    assert alice.ask("DELETE", path).status_code == 204
    assert alice.ask("GET", path).status_code == 404
    journal = deployment.vestibule("journal", "export", "--kind", "recording")
    for kind in ("started", "stopped", "downloaded", "deleted"):
        assert f"recording.{kind}" in journal


def test_what_a_killed_server_had_written_is_there(network: Network, tmp_path: Path) -> None:
    host = network.add_host()
    with Deployment(host, tmp_path / "demo") as deployment:
        alice = Caller(network, deployment, "alice")
        allow(deployment, alice)
        with phone(network, deployment, "alice", tmp_path / "phone", 8) as speaker:
            speaker.wait_registered()
            speaker.dial(deployment.facts["meeting"]["focus"])
            speaker.wait_event("CALL_ESTABLISHED")
            assert alice.ask("POST").status_code == 201
            for key in "*9":
                speaker.command("sndcode", key)
            eventually(lambda: agrees(alice, deployment.user("alice").sip), "consent")
            alice.waits_until(6.0)
            deployment.process.send_signal(signal.SIGKILL)
            deployment.process.wait(10)
    with Deployment(host, tmp_path / "demo") as deployment:
        alice = Caller(network, deployment, "alice")
        (kept,) = alice.kept()
        assert (kept["state"], kept["seconds"]) == ("interrupted", None)
        assert kept["octets"] > 0
        sound = decoded(alice, kept["id"], tmp_path)
    assert len(sound) / RATE > 6.0 - _LOST_BY_A_KILL
    assert likeness(melody(8, 60.0), sound) > 0.6


@pytest.mark.parametrize(
    "name",
    [
        "../../vestibule.db",
        "..%2f..%2fvestibule.db",
        "..%2F..%2Fpki%2Froot.key",
        "%2e%2e/%2e%2e/vestibule.toml",
        "/etc/passwd",
        "A" * 21 + "%00",
        "A" * 22 + ".webm",
    ],
)
def test_an_id_leads_nowhere_else(
    network: Network, deployment: Deployment, alice: Caller, name: str
) -> None:
    alice.kept()  # the newest nonce for the proof
    path = f"/api/v1/recordings/{name}"
    proof = alice.key.prover.proof("GET", deployment.origin + path, alice.token)
    with RawHttps(network.add_host(), deployment) as line:
        head = f"GET {path} HTTP/1.1\r\nHost: {line.name}\r\nConnection: close\r\n"
        proven = f"Authorization: DPoP {alice.token}\r\nDPoP: {proof}\r\n\r\n"
        heard = line.to_the_end((head + proven).encode())
    assert statuses(heard)[0] in (400, 404, 422), heard[:200]
    assert not any(secret in heard for secret in (b"root:", b"PRIVATE KEY", b"SQLite format"))
