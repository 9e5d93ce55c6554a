"""baresip with each codec in a meeting, and phone to phone with keys by DTLS and ways by ICE (E4, E11, N8)."""

from pathlib import Path

import pytest

from tests import module_deployment
from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.interop.test_baresip_calls import call_by_dtls, hears, phone

_SECONDS = 4.0


network = module_deployment.network
deployment = module_deployment.deployment


@pytest.mark.parametrize("codec", ["G722/16000/1", "PCMU/8000/1", "PCMA/8000/1"])
def test_a_phone_of_another_codec_talks_in_a_meeting(
    network: Network, deployment: Deployment, tmp_path: Path, codec: str
) -> None:
    focus = deployment.facts["meeting"]["focus"]
    with (
        phone(network, deployment, "alice", tmp_path / "alice", 1, codecs=codec) as alice,
        phone(network, deployment, "bob", tmp_path / "bob", 2) as bob,
    ):
        for each in (alice, bob):
            each.wait_registered()
            each.dial(focus)
            each.wait_event("CALL_ESTABLISHED")
        assert hears(bob, 1, _SECONDS) > 0.7
        assert hears(alice, 2, _SECONDS) > 0.7


def test_two_phones_talk_with_keys_by_dtls_over_ways_by_ice(
    network: Network, deployment: Deployment, tmp_path: Path
) -> None:
    with call_by_dtls(network, deployment, tmp_path) as (alice, bob):
        assert hears(bob, 1, _SECONDS) > 0.8
        assert hears(alice, 2, _SECONDS) > 0.8
