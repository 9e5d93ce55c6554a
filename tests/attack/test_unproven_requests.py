"""ATTACKS 7, 9, 10, 11: without proof nothing is taken, and nothing is learnt (I9)."""

import pytest

from tests.clients.deployment import Deployment
from tests.clients.guest import Guest, device_line
from tests.clients.namespaces import Network
from tests.clients.sip_line import SipLine, request, status_of

ALICE, BOB, NOBODY = (f"sip:{name}@vestibule.test" for name in ("alice", "bob", "nobody"))
METHODS = ["REGISTER", "INVITE", "MESSAGE", "SUBSCRIBE", "PUBLISH", "OPTIONS", "REFER", "FOO"]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_challenged(network: Network, deployment: Deployment, method: str) -> None:
    with SipLine(network.server, deployment) as line:
        assert line.ask(request(method, BOB, ALICE)) == 401


def test_the_honest_device_needs_no_challenge(network: Network, deployment: Deployment) -> None:
    with device_line(network.server, deployment, "alice") as line:
        assert line.ask(request("REGISTER", "sip:vestibule.test", ALICE, to=ALICE)) == 200


def test_answers_do_not_tell_who_exists(network: Network, deployment: Deployment) -> None:
    with SipLine(network.server, deployment) as line:
        answers = []
        for target in (BOB, NOBODY):
            for sender in (ALICE, NOBODY):
                line.send(request("MESSAGE", target, sender, call_id="same"))
                answer = line.final()
                kept = [
                    row.split("nonce=")[0]
                    for row in answer.split("\r\n")
                    if not row.startswith(("Via", "From", "To", "Call-ID"))
                ]
                answers.append(kept)
    assert all(answer == answers[0] for answer in answers)


def test_no_version_is_told(network: Network, deployment: Deployment) -> None:
    with SipLine(network.server, deployment) as line:
        line.send(request("OPTIONS", "sip:vestibule.test", NOBODY))
        answer = line.final().lower()
    assert "server:" not in answer
    assert "vestibule/" not in answer


def test_a_stray_ack_cancel_or_response_gets_nothing_done(
    network: Network, deployment: Deployment
) -> None:
    with SipLine(network.server, deployment) as line:
        line.send(request("ACK", BOB, ALICE))
        line.send(
            "SIP/2.0 200 OK\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bKstray\nFrom: <sip:a@b>;tag=1\n"
            "To: <sip:c@d>;tag=2\nCall-ID: stray\nCSeq: 1 INVITE\nContent-Length: 0\n\n"
        )
        line.send(request("CANCEL", BOB, ALICE))
        assert status_of(line.final()) == 481


def test_a_copy_of_what_is_pending_tells_a_stranger_nothing(
    network: Network, deployment: Deployment
) -> None:
    """A loop is told to who has proven who they are; anybody else is asked for that first."""
    with Guest(network.server, deployment) as guest:
        assert status_of(guest.knock()) == 183
        rows = guest.sent.replace("branch=z9hG4bK", "branch=z9hG4bKcopy").split("\n")
        proof = next(number for number, row in enumerate(rows) if row.startswith("Authorization"))
        with SipLine(network.server, deployment) as stranger:
            assert stranger.ask("\n".join(rows[:proof] + rows[proof + 1 :])) == 401
        with Guest(network.server, deployment) as again:
            rows[proof] = again.proof("INVITE", again.focus)
            assert again.line.ask("\n".join(rows)) == 482
