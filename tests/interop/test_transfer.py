"""A call is transferred by baresip: the other two talk, and who transferred is told (RFC 3515, RFC 5589; E4)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.interop.test_baresip_calls import hears, phone

_SECONDS = 4.0


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """Hosts for all tests here."""
    with Network() as network:
        yield network


@pytest.fixture(scope="module")
def deployment(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One demo for all tests here."""
    with Deployment(network.server, tmp_path_factory.mktemp("transfer") / "demo") as deployment:
        yield deployment


@pytest.mark.parametrize(
    "options",
    [{}, {"media_encryption": "dtls_srtp", "nat_traversal": "ice"}],
    ids=["sdes", "dtls"],
)
def test_a_transferred_call_goes_on_between_the_other_two(
    network: Network, deployment: Deployment, tmp_path: Path, options: dict[str, str]
) -> None:
    with (
        phone(network, deployment, "alice", tmp_path / "alice", 1, **options) as alice,
        phone(network, deployment, "bob", tmp_path / "bob", 2, **options) as bob,
        phone(network, deployment, "carol", tmp_path / "carol", 3, **options) as carol,
    ):
        for each in (alice, bob, carol):
            each.wait_registered()
        alice.dial(deployment.user("bob").sip)
        alice.wait_event("CALL_ESTABLISHED")
        bob.wait_event("CALL_ESTABLISHED")
        assert hears(bob, 1, _SECONDS) > 0.8
        before = alice.heard()
        bob.command("transfer", deployment.user("carol").sip)
        carol.wait_event("CALL_ESTABLISHED")
        alice.wait_event("CALL_ESTABLISHED")
        told = bob.wait_event("CALL_CLOSED")
        assert "transfer" in told["param"], "by a NOTIFY that the new call stands"
        assert hears(carol, 1, _SECONDS) > 0.8
        assert alice.heard() != before
        assert hears(alice, 3, _SECONDS) > 0.8
        assert hears(alice, 2, _SECONDS) < 0.6
