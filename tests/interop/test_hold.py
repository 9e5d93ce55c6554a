"""A call is held and resumed: who is held hears nothing, and then hears again (N8, E4).

baresip 1.0.0 no longer records what it hears once a call has been held. So linphone is held and records what
comes back; what goes to baresip, and a call between two of them, is counted on the wire. linphone answers a new
offer over DTLS without a fingerprint, which the server takes from nobody, so that call is baresip's alone.
"""

import time
from pathlib import Path

from tests import module_deployment
from tests.clients.audio import RATE, likeness, melody
from tests.clients.capture import Capture
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.linphone import Linphone
from tests.clients.namespaces import Host, Network
from tests.interop.test_baresip_calls import call_by_dtls, phone
from tests.interop.test_linphone import linphone

_TALK, _HOLD = 3.0, 2.0
_FEW, _MANY, _LARGE = 10, 50, 100_000  # packets (some RTCP is not media), octets of a capture


network = module_deployment.network
deployment = module_deployment.deployment


def seconds_of(client: Linphone) -> float:
    """How much it has recorded so far."""
    return client.heard.stat().st_size / 2 / RATE if client.heard.exists() else 0.0


def records(client: Linphone, seconds: float) -> None:
    """Until it has recorded for so long from now."""
    until = seconds_of(client) + seconds
    eventually(lambda: seconds_of(client) > until, f"{until} s of recording in {client.folder}")


def packets(capture: Capture, sender: Host, receiver: Host) -> int:
    """What was sent from one host to another by UDP."""
    return capture.count(f"udp && ip.src == {sender.address} && ip.dst == {receiver.address}")


def quiet(client: Linphone) -> None:
    """Until it records nothing for so long: it writes what came before up to a second later."""
    last, since = seconds_of(client), time.monotonic()

    def still() -> bool:
        nonlocal last, since
        if (now := seconds_of(client)) > last:
            last, since = now, time.monotonic()
        return time.monotonic() - since > _HOLD

    eventually(still, f"silence in {client.folder}", 10.0)


def test_who_is_held_hears_nothing_until_it_is_resumed(
    network: Network, deployment: Deployment, tmp_path: Path
) -> None:
    with (
        linphone(network, deployment, tmp_path / "alice", "srtp", "") as alice,
        phone(network, deployment, "bob", tmp_path / "bob", 2) as bob,
    ):
        alice.wait_registered()
        bob.wait_registered()
        alice.command(f"call {deployment.user('bob').sip}")
        bob.wait_event("CALL_ESTABLISHED")
        records(alice, _TALK)
        bob.command("hold")
        bob.wait_answer()
        alice.wait_for("LinphoneCallPausedByRemote")
        quiet(alice)
        held = seconds_of(alice)
        bob.command("resume")
        bob.wait_answer()
        with Capture(network.server, "bridge0", tmp_path / "resumed.pcap") as resumed:
            recording = alice.recorded(held + _TALK)
            eventually(lambda: packets(resumed, alice.host, bob.host) > _MANY, "alice's voice")
    played, until = melody(2, 60.0), int(held * RATE)
    assert likeness(played, recording[:until]) > 0.8
    assert likeness(played, recording[until:]) > 0.8


def test_nothing_flows_while_held_by_dtls(
    network: Network, deployment: Deployment, tmp_path: Path
) -> None:
    with call_by_dtls(network, deployment, tmp_path) as (alice, bob):
        alice.wait_event("CALL_RTPESTAB")
        alice.wait_answer()
        alice.command("hold")
        alice.wait_answer()
        with Capture(network.server, "bridge0", tmp_path / "held.pcap") as held:
            while bob.saw("CALL_RTCP"):
                bob.wait_event("CALL_RTCP")
            bob.wait_event("CALL_RTCP")
            bob.wait_event("CALL_RTCP")
        alice.command("resume")
        alice.wait_answer()
        with Capture(network.server, "bridge0", tmp_path / "resumed.pcap") as resumed:
            eventually(lambda: resumed.file.stat().st_size > _LARGE, "media on the wire")
    for one, other in ((alice.host, bob.host), (bob.host, alice.host)):
        assert packets(held, one, other) < _FEW
        assert packets(resumed, one, other) > _MANY
