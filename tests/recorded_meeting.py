"""A meeting that is recorded, which a module's tests share: name the fixtures `alice` and `leader` there."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients.audio import RATE, Samples, read_wav
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.dpop import with_token
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import hold_a_key, tokens
from tests.clients.participant import Participant

START = '<startRecording><conferenceKeys confEntity="{focus}"/></startRecording>'
STOP, READ = START.replace("start", "stop"), START.replace("start", "get")
AGREE = "<setRecordingConsent><access>{access}</access></setRecordingConsent>"


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


def agrees(alice: Caller, entity: str) -> bool:
    return any(one["agrees"] for one in alice.progress()["participants"] if one["entity"] == entity)


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
