"""Media over a bad network: 5% lost, 200 ms there and back, 2% out of order, both ways (N8)."""

from pathlib import Path

from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.lossy_link import LossyLink
from tests.clients.namespaces import Network
from tests.interop.test_baresip_calls import comes_through, phone


def test_phones_in_a_meeting_understand_each_other(
    network: Network, deployment: Deployment, tmp_path: Path
) -> None:
    focus = deployment.facts["meeting"]["focus"]
    with (
        phone(network, deployment, "alice", tmp_path / "alice", 1) as alice,
        phone(network, deployment, "bob", tmp_path / "bob", 2) as bob,
        LossyLink(network, bob.host) as link,
    ):
        alice.wait_registered()
        bob.wait_registered()
        alice.dial(focus)
        alice.wait_event("CALL_ESTABLISHED")
        bob.dial(focus)
        bob.wait_event("CALL_ESTABLISHED")
        comes_through(alice, 2, seconds=5.0)
        comes_through(bob, 1, seconds=5.0)
        eventually(lambda: link.lost > 20 and link.reordered > 5, "a link as bad as it should be")
