"""ATTACKS 2, 38, 39, 75, I7: a conference key opens one meeting's lobby, and nothing else."""

import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.clients.deployment import Deployment
from tests.clients.dpop import with_token
from tests.clients.guest import Guest
from tests.clients.https import HostTransport
from tests.clients.namespaces import Host, Network
from tests.clients.oidc import tokens
from tests.clients.participant import Participant
from tests.clients.sip_line import challenge_of, request, status_of


class Organizer:
    """Alice at the API, signed in."""

    def __init__(self, browser: httpx.Client, deployment: Deployment) -> None:
        self._browser = browser
        self._proof = with_token(tokens(browser, deployment)["access_token"])

    def create(self) -> dict[str, Any]:
        """A meeting of hers."""
        return self._post("", {"subject": "Another"})

    def replace_key(self, meeting: dict[str, Any]) -> dict[str, Any]:
        """The same meeting with a new link."""
        return self._post(f"/{meeting['id']}/conference-key", None)

    def _post(self, path: str, body: object) -> dict[str, Any]:
        answer = self._browser.post(f"/api/v1/meetings{path}", headers=self._proof, json=body)
        assert answer.is_success, answer.text
        view: dict[str, Any] = answer.json()
        return view


@pytest.fixture(scope="module")
def visitor(network: Network) -> Host:
    return network.add_host()


@pytest.fixture(scope="module")
def organizer(network: Network, deployment: Deployment) -> Iterator[Organizer]:
    transport = HostTransport(network.add_host(), deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as browser:
        yield Organizer(browser, deployment)


def test_the_right_key_leads_into_the_lobby(network: Network, deployment: Deployment) -> None:
    with Guest(network.add_host(), deployment) as guest:
        answer = guest.knock()
        assert status_of(answer) == 183
        assert "Vestibule-Admission: lobby" in answer


def test_a_wrong_key_and_an_unknown_meeting_look_the_same(
    network: Network, deployment: Deployment
) -> None:
    host = network.add_host()
    with Guest(host, deployment, key=secrets.token_urlsafe(16)) as guest:
        assert status_of(guest.knock()) == 401
    meeting_id = deployment.facts["meeting"]["id"]
    with Guest(host, deployment) as guest:
        guest.focus = guest.focus.replace(meeting_id, secrets.token_urlsafe(16))
        assert status_of(guest.knock()) in (401, 403)


METHODS = (
    "INVITE", "MESSAGE", "REGISTER", "SUBSCRIBE", "OPTIONS", "NOTIFY", "PUBLISH", "REFER", "INFO", "UPDATE",
    "PRACK", "BYE", "SERVICE", "BENOTIFY", "FROBNICATE",
)  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_the_key_is_good_for_nothing_else(
    network: Network, deployment: Deployment, visitor: Host, method: str
) -> None:
    """Whatever is asked of any other address: known as a guest, and for that very reason refused."""
    host, meeting = deployment.facts["host"], deployment.facts["meeting"]
    foreign = meeting["focus"].replace(":focus:", ":chat:")
    addresses = (
        "sip:alice@vestibule.test",
        "sip:bob@vestibule.test;gruu",
        "sip:nobody@vestibule.test",
        "sip:vestibule.test",
        "sip:vestibule.test;transport=tls",
        f"sip:{host}",
        f"sip:alice@{host}:{deployment.facts['sip_tls_port']}",
        "sip:someone@elsewhere.test",
        foreign,
    )
    with Guest(visitor, deployment) as guest:
        for address in addresses:
            assert guest.line.ask(guest.write(method, address)) == 403, address


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("INVITE", "OPTIONS")])
def test_of_its_own_meeting_it_gets_the_lobby_only(
    deployment: Deployment, visitor: Host, method: str
) -> None:
    with Guest(visitor, deployment) as guest:
        for address in (guest.focus, guest.media):
            assert 400 <= guest.line.ask(guest.write(method, address)) < 500, address


def test_a_replayed_proof_is_refused(network: Network, deployment: Deployment) -> None:
    with Guest(network.add_host(), deployment) as guest:
        first = guest.write("OPTIONS", guest.focus)
        assert guest.line.ask(first) == 200
        replay = first.replace("z9hG4bK", "z9hG4bKx")
        assert guest.line.ask(replay) == 401


def test_a_nonce_is_bound_to_its_connection(network: Network, deployment: Deployment) -> None:
    host = network.add_host()
    with Guest(host, deployment) as guest, Guest(host, deployment) as thief:
        thief.line.send(guest.write("OPTIONS", guest.focus).replace(guest.me, thief.me))
        assert status_of(thief.line.final()) == 401


def test_a_nonce_is_bound_to_its_meeting(
    deployment: Deployment, visitor: Host, organizer: Organizer
) -> None:
    """Both keys are right; the client is told to take a new nonce, and then gets in."""
    meeting = organizer.create()
    with Guest(visitor, deployment) as guest:
        other = Guest(visitor, deployment, meeting=meeting)
        other.challenge, other.me = guest.challenge, guest.me
        guest.line.send(other.write("OPTIONS", other.focus))
        answer = guest.line.final()
        assert status_of(answer) == 401
        other.challenge = challenge_of(answer)
        assert other.challenge.endswith("stale=true")
        assert guest.line.ask(other.write("OPTIONS", other.focus)) == 200
        other.line.hang_up()


def test_a_proof_for_another_request_is_refused(network: Network, deployment: Deployment) -> None:
    with Guest(network.add_host(), deployment) as guest:
        proof = guest.proof("OPTIONS", guest.focus)
        assert guest.line.ask(request("SUBSCRIBE", guest.focus, guest.me, headers=proof)) == 401


def test_guests_are_challenged_with_sha_256_only(network: Network, deployment: Deployment) -> None:
    with Guest(network.add_host(), deployment) as guest:
        guest.line.send(request("OPTIONS", guest.focus, guest.me))
        answer = guest.line.final()
        assert "algorithm=SHA-256" in challenge_of(answer).replace('"', "")
        assert "MD5" not in answer


def test_a_replaced_key_is_refused_at_once_and_who_has_come_stays(
    deployment: Deployment, visitor: Host, organizer: Organizer
) -> None:
    old = organizer.create()
    with Guest(visitor, deployment, meeting=old) as waiting:
        assert status_of(waiting.knock()) == 183
        new = organizer.replace_key(old)
        assert (new["id"], new["focus"]) == (old["id"], old["focus"])
        assert new["conference_key"] != old["conference_key"]
        with Guest(visitor, deployment, meeting=old) as late:
            assert status_of(late.knock()) == 401
            assert late.line.ask(late.write("SUBSCRIBE", late.focus)) == 401
        with Guest(visitor, deployment, meeting=new) as invited:
            assert status_of(invited.knock()) == 183
        roster = waiting.write("SUBSCRIBE", waiting.focus, headers="Event: conference")
        assert waiting.line.ask(roster) == 403, "still known, and still not inside"
        assert waiting.line.ask(waiting.write("OPTIONS", waiting.focus)) == 401
    assert '"meeting.key-replaced"' in deployment.vestibule("journal", "export")


def test_nobody_else_replaces_a_key(
    network: Network, deployment: Deployment, organizer: Organizer
) -> None:
    meeting = organizer.create()
    address = f"/api/v1/meetings/{meeting['id']}/conference-key"
    transport = HostTransport(network.add_host(), deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as browser:
        assert browser.post(address).status_code == 401
        bob = tokens(browser, deployment, "bob")["access_token"]
        answer = browser.post(address, headers=with_token(bob))
        assert answer.status_code == 404


def test_who_tries_keys_is_stopped_and_a_guest_beside_them_comes_in(
    deployment: Deployment, visitor: Host
) -> None:
    """The last test of this file: it uses up what its network may get wrong."""
    with Guest(visitor, deployment, key=secrets.token_urlsafe(16)) as thief:
        answers = [thief.line.ask(thief.write("OPTIONS", thief.focus)) for _ in range(120)]
        assert set(answers) == {401, 503}
        assert answers[-1] == 503
    with Guest(visitor, deployment, key=secrets.token_urlsafe(16)) as again:
        assert again.line.ask(again.write("OPTIONS", again.focus)) == 503
    with Guest(visitor, deployment) as guest:  # from the very same address
        assert status_of(guest.knock()) == 183


def test_a_proof_for_another_target_is_refused(network: Network, deployment: Deployment) -> None:
    with Guest(network.add_host(), deployment) as guest:
        proof = guest.proof("OPTIONS", guest.focus)
        assert guest.line.ask(request("OPTIONS", guest.media, guest.me, headers=proof)) == 401


def test_the_key_is_in_nothing_that_a_participant_is_sent(
    network: Network, deployment: Deployment
) -> None:
    """ATTACKS 75: whoever was let in could pass others round the lobby with it, or find it after a rotation."""
    key = deployment.facts["meeting"]["conference_key"]
    with (
        Participant(network.server, deployment, "alice") as alice,
        Guest(network.add_host(), deployment) as guest,
    ):
        heard = [alice.join(), guest.knock(), alice.admit(guest.me)]
        assert alice.watch() == 200
        heard += [guest.line.final(), alice.add_media("{66666666-6666-6666-6666-666666666666}")]
        guest.line.send(guest.write("SUBSCRIBE", guest.focus, headers="Event: conference"))
        while "<users>" not in heard[-1]:
            heard.append(guest.line.receive())
        heard.append(alice.hears_of(guest.me))
    assert not [message for message in heard if key in message]
