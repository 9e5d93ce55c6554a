"""ATTACKS 1, 6: who one is comes from proof only."""

from tests.clients.deployment import Deployment
from tests.clients.guest import device_line
from tests.clients.namespaces import Network
from tests.clients.sip_line import header_of, request

ALICE, BOB = "sip:alice@vestibule.test", "sip:bob@vestibule.test"
FORGERIES = """\
P-Asserted-Identity: <sip:carol@vestibule.test>
p-asserted-identity : "Carol" <sip:carol@vestibule.test>
P-Preferred-Identity: <sip:carol@vestibule.test>
Remote-Party-ID: <sip:carol@vestibule.test>;party=calling
Diversion: <sip:carol@vestibule.test>
History-Info: <sip:carol@vestibule.test>;index=1"""


def test_a_device_speaks_for_its_own_person_only(network: Network, deployment: Deployment) -> None:
    with device_line(network.server, deployment, "alice") as line:
        assert line.ask(request("MESSAGE", BOB, "sip:carol@vestibule.test")) == 403


def test_nobody_registers_for_another(network: Network, deployment: Deployment) -> None:
    with device_line(network.server, deployment, "alice") as line:
        assert line.ask(request("REGISTER", "sip:vestibule.test", ALICE, to=BOB)) == 403
        assert line.ask(request("REGISTER", "sip:vestibule.test", BOB, to=BOB)) == 403


def test_asserted_identities_from_outside_are_stripped(
    network: Network, deployment: Deployment
) -> None:
    with (
        device_line(network.server, deployment, "bob") as bob,
        device_line(network.server, deployment, "alice") as alice,
    ):
        assert bob.ask(request("REGISTER", "sip:vestibule.test", BOB, to=BOB)) == 200
        alice.send(request("MESSAGE", BOB, ALICE, headers=FORGERIES))
        received = bob.receive()
    assert received.startswith("MESSAGE ")
    assert "carol" not in received
    assert "alice@vestibule.test" in header_of(received, "P-Asserted-Identity")
