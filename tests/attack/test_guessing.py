"""ATTACKS 21: who guesses device secrets is slowed down by address; the owner elsewhere is not."""

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Network
from tests.clients.sip_line import SipLine, challenge_of, digest, request
from vestibule.identity.proof import FAILURES

DOMAIN = "sip:vestibule.test"
_TRIES = int(FAILURES.burst) + 20


def register(line: SipLine, house: Deployment, name: str, secret: str) -> int:
    """REGISTER with a device's secret: the answer's status."""
    aor = f"sip:{name}@vestibule.test"
    line.send(request("REGISTER", DOMAIN, aor, to=aor))
    challenge = challenge_of(line.final())
    proof = digest(challenge, method="REGISTER", uri=DOMAIN, username=name, password=secret)
    return line.ask(request("REGISTER", DOMAIN, aor, to=aor, headers=proof))


def test_many_secrets_of_many_people_are_not_tried_from_one_address(
    town: Network, house: Deployment
) -> None:
    guessing, owner = town.add_host(), town.add_host()
    secret = house.user("alice").device_secret
    with SipLine(guessing, house) as guesser:
        names = ("alice", "bob", "carol", "nobody")
        heard = [
            register(guesser, house, names[number % 4], f"guess {number}")
            for number in range(_TRIES)
        ]
        assert set(heard) == {401, 503}
        assert heard[:40] == [401] * 40, "who mistypes is not locked out"
        assert register(guesser, house, "alice", secret) == 503, "nor does a right guess tell"
    with SipLine(owner, house) as line:
        assert register(line, house, "alice", secret) == 200
