"""ATTACKS 3, 4, 80: the torture messages of RFC 4475 and RFC 5118, byte for byte, at the real listener.

They are not ours and not in this repository: `VESTIBULE_SUITES` names the folder that holds `rfc4475` and `rfc5118`.
"""

import os
from pathlib import Path

import pytest

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.sip_line import SipLine, request, status_of

_USUAL = Path(__file__).parents[3] / "shared" / "suites"
SUITES = Path(os.environ.get("VESTIBULE_SUITES", _USUAL))
pytestmark = pytest.mark.skipif(
    not (SUITES / "rfc4475").is_dir(), reason=f"no torture messages in {SUITES} (VESTIBULE_SUITES)"
)

ANSWERS = {
    400: """badaspec badinv01 escnull escruri insuf inv2543 ltgtruri lwsruri lwsstart mcl01 mismatch01
        mismatch02 multi01 ncl quotbal regbadct scalar02 trws ipv6-bad ipv6-bug-abnf-3-colons""",
    401: """badbranch baddate bext01 cparam01 cparam02 dblreq esc01 esc02 intmeth invut longreq lwsdisp
        mpart01 regaut01 regescrt sdp01 semiuri transports wsinv zeromf ipv4-mapped-ipv6
        ipv6-correct-abnf-2-colons ipv6-good ipv6-in-sdp mult-ip-in-header mult-ip-in-sdp
        port-ambiguous port-unambiguous via-received-param-no-delim via-received-param-with-delim""",
    416: "novelsc unkscm unksm2",
    505: "badvers",
}
"""What each is answered first. Sound ones, however odd, are asked for proof; the rest hears why not."""

SILENT = "baddn bcast bigcode clerr noreason scalarlg test unreason"
"""Responses to nothing we asked, messages whose end never comes, and one that is no message at all."""

EXPECTED = {name: status for status, names in ANSWERS.items() for name in names.split()}


def message(name: str) -> bytes:
    """The octets of one message."""
    old = SUITES / "rfc4475" / f"{name}.dat"
    return (old if old.exists() else SUITES / "rfc5118" / name).read_bytes()


def is_alive(network: Network, deployment: Deployment) -> bool:
    """Whether somebody else is served as before."""
    with SipLine(network.server, deployment) as line:
        return line.ask(request("OPTIONS", "sip:vestibule.test", "sip:alice@vestibule.test")) == 401


@pytest.mark.parametrize("name", EXPECTED)
def test_it_hears_its_answer(network: Network, deployment: Deployment, name: str) -> None:
    with SipLine(network.server, deployment) as line:
        line.send(message(name))
        assert status_of(line.final()) == EXPECTED[name]
    assert is_alive(network, deployment)


@pytest.mark.parametrize("name", SILENT.split())
def test_what_can_t_be_answered_harms_nobody(
    network: Network, deployment: Deployment, name: str
) -> None:
    with SipLine(network.server, deployment) as line:
        line.send(message(name))
        assert is_alive(network, deployment)


def test_none_is_left_out() -> None:
    here = {path.stem for path in (SUITES / "rfc4475").glob("*.dat")}
    here |= {path.name for path in (SUITES / "rfc5118").iterdir()}
    assert here == {*EXPECTED, *SILENT.split()}
