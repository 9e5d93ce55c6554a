"""ATTACKS 43: who may not record doesn't, and nobody gets at a recording but the organizer."""

import signal
from base64 import b64encode
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests import recorded_meeting
from tests.clients.audio import RATE, likeness, melody
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.guest import Guest
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.participant import C3P, Participant, c3p
from tests.clients.raw_https import RawHttps, statuses
from tests.clients.sip_line import status_of
from tests.interop.test_baresip_calls import phone
from tests.recorded_meeting import (
    AGREE,
    READ,
    START,
    STOP,
    Caller,
    agrees,
    allow,
    decoded,
    finished,
)

alice = recorded_meeting.alice
leader = recorded_meeting.leader

_LOST_BY_A_KILL = 3.0  # seconds, at most


@pytest.fixture(scope="module")
def bob(network: Network, deployment: Deployment) -> Caller:
    """Of the same organisation."""
    return Caller(network, deployment, "bob")


def test_without_the_policy_nobody_records(
    network: Network, deployment: Deployment, alice: Caller
) -> None:
    with Participant(network.add_host(), deployment, "alice") as leader:
        leader.join()
        assert 'reason="recordingNotAllowed"' in leader.command(START)
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
        assert 'reason="accessDenied"' in carol.command(START)
        assert bob.ask("POST").status_code == 404
        assert bob.ask("POST", proven=False).status_code == 401
        assert alice.ask("GET").status_code == 409, "nothing is recorded"
        assert 'code="success"' in leader.command(START)
        assert 'reason="accessDenied"' in carol.command(STOP)
        assert bob.ask("DELETE").status_code == 404
        assert alice.ask("GET").status_code == 200, "it goes on"
        assert bob.ask("GET").status_code == 404
        assert 'code="success"' in leader.command(STOP)
    assert finished(alice)["state"] == "finished"


def test_a_guest_inside_starts_stops_and_reads_nothing(
    network: Network, deployment: Deployment, leader: Participant, alice: Caller
) -> None:
    with Guest(network.add_host(), deployment) as guest:
        assert status_of(guest.knock()) == 183
        assert 'code="success"' in leader.admit(guest.me)
        joined = guest.line.final()
        assert status_of(joined) == 200
        numbers = count(2)

        def command(text: str) -> str:
            body = c3p(guest.focus, guest.me, text)
            asked = guest.later("INFO", joined, cseq=next(numbers), headers=C3P, body=body)
            guest.line.send(asked)
            return guest.line.final()

        assert 'reason="accessDenied"' in command(START)
        assert 'reason="accessDenied"' in command(STOP)
        assert alice.ask("GET").status_code == 409, "nothing is recorded"
        leader.command(START)
        for text in (START, STOP, READ):
            assert 'reason="accessDenied"' in command(text)
        of_another = f"<userEntity>{leader.me}</userEntity><access>denied"
        command(AGREE.replace("<access>{access}", of_another))
        agreed = {one["entity"]: one["agrees"] for one in alice.progress()["participants"]}
        assert agreed == {leader.me: True, guest.me: False}
        leader.command(STOP)
    assert finished(alice)["state"] == "finished"


@pytest.mark.parametrize("scheme", ["", "Bearer", "DPoP", "Basic", "Digest"])
def test_a_conference_key_opens_no_recording(
    network: Network, deployment: Deployment, leader: Participant, alice: Caller, scheme: str
) -> None:
    meeting = deployment.facts["meeting"]
    live = alice.recording
    leader.command(START)
    leader.command(STOP)
    kept = f"/api/v1/recordings/{finished(alice)['id']}"
    proof = with_key(scheme, meeting["id"], meeting["conference_key"])
    asked = [(method, live) for method in ("POST", "GET", "DELETE")]
    asked += [("GET", "/api/v1/recordings"), ("GET", kept), ("DELETE", kept)]
    transport = HostTransport(network.add_host(), deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as guest:
        for method, path in asked:
            answer = guest.request(method, path, headers=proof)
            assert answer.status_code == 401, (method, path)
            assert "webm" not in answer.headers["content-type"]
    assert alice.ask("GET", kept).status_code == 200


def with_key(scheme: str, meeting: str, key: str) -> dict[str, str]:
    """A meeting's id and key, as somebody might try them at the API."""
    if not scheme:
        return {}
    both = b64encode(f"{meeting}:{key}".encode()).decode()
    text = {"Basic": both, "Digest": f'username="{meeting}", response="{key}"'}.get(scheme, key)
    return {"Authorization": f"{scheme} {text}"}


def test_a_recording_is_its_organizer_s_and_nobody_else_s(
    deployment: Deployment, leader: Participant, alice: Caller, bob: Caller
) -> None:
    leader.command(START)
    leader.command(STOP)
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
