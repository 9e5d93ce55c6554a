"""baresip calls baresip through the server: TLS checked both ways, SRTP mandatory (E1, E4, I4, A8)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clients.audio import likeness, melody, read_wav, write_wav
from tests.clients.baresip import Baresip
from tests.clients.capture import Capture
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.media_capture import assert_only_protected_media
from tests.clients.namespaces import Network

_SECONDS = 8.0


def phone(
    network: Network, deployment: Deployment, name: str, folder: Path, seed: int, **options: str
) -> Baresip:
    """A phone of a demo person, with a melody of its own on the microphone; `options` are Baresip's."""
    folder.mkdir()
    write_wav(folder / "in.wav", melody(seed, 60.0), channels=2)
    user = deployment.user(name)
    return Baresip(
        network.add_host(), folder, address=user.sip, outbound=deployment.outbound,
        authority=deployment.authority, certificate=user.device_pem, **options,
    )  # fmt: skip


@contextmanager
def call_by_dtls(
    network: Network, deployment: Deployment, folder: Path
) -> Iterator[tuple[Baresip, Baresip]]:
    """Alice's phone has called Bob's: keys by DTLS, ways by ICE; the melodies are 1 and 2."""
    options = {"media_encryption": "dtls_srtp", "nat_traversal": "ice"}
    with (
        phone(network, deployment, "alice", folder / "alice", 1, **options) as alice,
        phone(network, deployment, "bob", folder / "bob", 2, **options) as bob,
    ):
        alice.wait_registered()
        bob.wait_registered()
        alice.dial(deployment.user("bob").sip)
        alice.wait_event("CALL_ESTABLISHED")
        yield alice, bob


def hears(listener: Baresip, seed: int, seconds: float = _SECONDS) -> float:
    """How much of that melody the phone has heard, once it has recorded for so long."""
    enough = int(seconds * 48000 * 2)

    def recording() -> Path | None:
        path = listener.heard()
        return path if path and path.stat().st_size > enough else None

    path = eventually(recording, f"{seconds} s of recording in {listener.folder}", 60.0)
    return likeness(melody(seed, 60.0), read_wav(path))


def comes_through(listener: Baresip, seed: int, seconds: float = _SECONDS) -> None:
    """Until that melody is most of what the phone has recorded: at first that is silence, while the other connects."""
    eventually(lambda: hears(listener, seed, seconds) > 0.7, "the melody in the recording", 40.0)


def test_two_phones_talk(network: Network, deployment: Deployment, tmp_path: Path) -> None:
    with (
        Capture(network.server, "bridge0", tmp_path / "call.pcap") as capture,
        phone(network, deployment, "alice", tmp_path / "alice", 1) as alice,
        phone(network, deployment, "bob", tmp_path / "bob", 2) as bob,
    ):
        alice.wait_registered()
        bob.wait_registered()
        alice.dial(deployment.user("bob").sip)
        alice.wait_event("CALL_ESTABLISHED")
        assert hears(bob, 1) > 0.8
        assert hears(alice, 2) > 0.8
        assert hears(alice, 1) < 0.6
        alice.command("hangup")
        bob.wait_event("CALL_CLOSED")
    assert capture.count("sip") == 0
    assert not capture.holds(b"INVITE sip:")
    assert not capture.holds(b"inline:")
    assert_only_protected_media(capture, at_least=500)


def test_two_phones_talk_in_a_meeting(
    network: Network, deployment: Deployment, tmp_path: Path
) -> None:
    focus = deployment.facts["meeting"]["focus"]
    with (
        Capture(network.server, "bridge0", tmp_path / "meeting.pcap") as capture,
        phone(network, deployment, "alice", tmp_path / "alice", 1) as alice,
        phone(network, deployment, "bob", tmp_path / "bob", 2) as bob,
    ):
        alice.wait_registered()
        bob.wait_registered()
        alice.dial(focus)
        alice.wait_event("CALL_ESTABLISHED")
        bob.dial(focus)
        bob.wait_event("CALL_ESTABLISHED")
        assert hears(bob, 1) > 0.7
        assert hears(alice, 2) > 0.7
        assert hears(alice, 1) < 0.6
    assert capture.count("sip") == 0
    assert_only_protected_media(capture, at_least=500)
