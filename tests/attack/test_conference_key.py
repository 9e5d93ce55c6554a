"""ATTACKS 2, 38, 39, 75, I7: a conference key opens one meeting's lobby, and nothing else."""

import secrets

from tests.clients.deployment import Deployment
from tests.clients.guest import Guest
from tests.clients.namespaces import Network
from tests.clients.participant import Participant
from tests.clients.sip_line import challenge_of, request, status_of


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


def test_the_key_is_good_for_nothing_else(network: Network, deployment: Deployment) -> None:
    with Guest(network.add_host(), deployment) as guest:
        for method, uri in (
            ("MESSAGE", "sip:alice@vestibule.test"),
            ("INVITE", "sip:alice@vestibule.test"),
            ("REGISTER", "sip:vestibule.test"),
            ("SUBSCRIBE", "sip:alice@vestibule.test"),
        ):
            assert guest.line.ask(guest.write(method, uri)) in (401, 403), method


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
