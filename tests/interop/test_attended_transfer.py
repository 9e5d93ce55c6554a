"""linphone lets the two that it talked with go on without it: their call replaces its own (RFC 5589; E4)."""

import re
from functools import partial
from pathlib import Path

from tests.clients.audio import likeness, melody
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.linphone import Linphone
from tests.clients.namespaces import Network
from tests.interop.test_hold import records
from tests.interop.test_linphone import linphone

_BEFORE, _SECONDS = 1.0, 4.0
_RUNNING, _RELEASED = "to LinphoneCallStreamsRunning", "to LinphoneCallReleased"


def test_two_calls_become_one_between_the_other_two(
    town: Network, house: Deployment, tmp_path: Path
) -> None:
    with (
        linphone(town, house, tmp_path / "alice", "srtp", "") as alice,
        linphone(town, house, tmp_path / "bob", "srtp", "", name="bob", seed=2) as bob,
        linphone(town, house, tmp_path / "carol", "srtp", "", name="carol", seed=3) as carol,
    ):
        for each in (alice, bob, carol):
            each.wait_registered()
        alice.command(f"call {house.user('bob').sip}")
        records(bob, _BEFORE)
        alice.command("pause")
        alice.wait_for("to LinphoneCallPaused")
        alice.command(f"call {house.user('carol').sip}")
        records(carol, _BEFORE)
        alice.command("transfer 1 --to-call 2")
        alice.wait_for(f"(?s){_RELEASED}.*{_RELEASED}")
        for each in (bob, carol):
            each.wait_for(f"(?s){_RUNNING}.*{_RUNNING}")
            eventually(partial(has_one_call_less, each), "the end of the first call")
        for each in (bob, carol):
            records(each, _SECONDS)
        heard_by_bob, heard_by_carol = bob.recorded(_SECONDS), carol.recorded(_SECONDS)
    assert likeness(melody(3, 20.0), heard_by_bob) > 0.8
    assert likeness(melody(2, 20.0), heard_by_carol) > 0.8
    for heard in (heard_by_bob, heard_by_carol):
        assert likeness(melody(1, 20.0), heard) < 0.6


def has_one_call_less(client: Linphone) -> bool:
    """Whether one of its calls has ended, and no other."""
    return len(re.findall(_RELEASED, client.log.read_text(errors="replace"))) == 1
