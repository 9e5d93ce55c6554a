"""ATTACKS 62: texts made to be read again and again cost no more than others of their length.

What counts is the server's own processor time, so that a busy machine makes no difference.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.attack.test_second_factor import Attack
from tests.clients.authenticator import Authenticator
from tests.clients.calls import KEYED, SDP
from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.namespaces import Network
from tests.clients.sip_line import request

_SECONDS = 0.6
"""Of processor time; texts that are read to their end at each place take more than twice as much."""

_TRIES, _LONGEST_ORIGIN = 6, 10_500  # what a passkey says is short

_LONG = 40_000
_REFUSED = KEYED.replace("c=IN IP4 192.0.2.1", "c=IN IP4 224.0.0.1")  # once it has been read
_BODIES = {
    "keys that never end": _REFUSED + "a=crypto:" + "1 A inline:" * (_LONG // 11) + "\n",
    "half a fingerprint": _REFUSED + "a=fingerprint:sha-256 " + "AA:" * (_LONG // 3) + "\n",
    "one attribute after the other": _REFUSED + "a=rtpmap:0 x\n" * (_LONG // 13),
    "nothing but spaces": _REFUSED + "a=" + " " * _LONG + "\n",
}


@pytest.fixture(scope="module")
def named(town: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attack]:
    """A demo that has a name, and so passkeys."""
    folder, host = tmp_path_factory.mktemp("costly") / "demo", town.add_host()
    with Deployment(host, folder, address="localhost") as deployment:
        attack = Attack(host, deployment)
        yield attack
        attack.close()


def spent(deployment: Deployment) -> float:
    """Processor seconds that the server has used so far (proc_pid_stat(5): utime, stime)."""
    stat = Path(f"/proc/{deployment.process.pid}/stat").read_text()
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_long_text_in_the_log_is_looked_through_once(named: Attack) -> None:
    passkey = Authenticator(named.deployment.origin, "localhost")
    assert named.enrol_passkey("alice", passkey).status_code == 200

    def tried(text: str) -> float:
        before = spent(named.deployment)
        for _ in range(_TRIES):
            hostile = replace(passkey, origin=text * (_LONGEST_ORIGIN // len(text)))
            assert named.by_passkey(hostile).status_code == 403
        return spent(named.deployment) - before

    usual = tried("x")
    assert tried("ey") - usual < _SECONDS, "as of tokens that never come"


@pytest.mark.parametrize("body", _BODIES.values(), ids=_BODIES)
def test_a_long_description_is_read_once(town: Network, house: Deployment, body: str) -> None:
    with device_line(town.server, house, "alice") as alice:
        focus, before = house.facts["meeting"]["focus"], spent(house)
        answer = alice.ask(
            request("INVITE", focus, "sip:alice@vestibule.test", headers=SDP, body=body)
        )
        assert answer in (400, 488)
        assert spent(house) - before < _SECONDS
