"""ATTACKS 15, 60, 61, 73: one connection and one person have a share, and no more."""

import re

from tests.clients.deployment import Deployment
from tests.clients.guest import ADD_USER, Guest, device_line
from tests.clients.namespaces import Network
from tests.clients.sip_line import (
    SipLine,
    challenge_of,
    digest,
    header_of,
    request,
    status_of,
)
from vestibule.conferencing.conference import MOST_SEATS_OF_ONE
from vestibule.conferencing.focus import MOST_SEATS_OF_FLOW
from vestibule.conferencing.watchers import MOST_OF_SEAT

DOMAIN, CCCP = "sip:vestibule.test", "Content-Type: application/cccp+xml"


def join(line: SipLine, focus: str, aor: str) -> str:
    """A member's device joins a meeting; the first answer beside 100."""
    body = ADD_USER.format(focus=focus, me=aor, role="attendee")
    line.send(request("INVITE", focus, aor, headers=CCCP, body=body))
    while status_of(answer := line.receive()) == 100:
        pass
    return answer


def test_one_connection_holds_a_few_places_in_the_lobby(
    network: Network, deployment: Deployment
) -> None:
    with Guest(network.add_host(), deployment) as guest:
        for number in range(MOST_SEATS_OF_FLOW):
            guest.me = f"sip:guest-{number}@anonymous.invalid"
            assert status_of(guest.knock()) == 183
        guest.me = "sip:guest-more@anonymous.invalid"
        assert status_of(guest.knock()) == 403
    with Guest(network.add_host(), deployment) as honest:
        assert status_of(honest.knock()) == 183


def test_one_person_has_a_few_devices_in_a_meeting(
    network: Network, deployment: Deployment
) -> None:
    host, focus = network.add_host(), deployment.facts["meeting"]["focus"]
    carol = deployment.user("carol").sip
    lines = [device_line(host, deployment, "carol") for _ in range(2)]
    answers = [
        status_of(join(line, focus, carol)) for line in lines for _ in range(MOST_SEATS_OF_FLOW)
    ]
    assert sum(status == 403 for status in answers) == 2 * MOST_SEATS_OF_FLOW - MOST_SEATS_OF_ONE
    for line in lines:
        line.__exit__(None, None, None)


def test_one_device_watches_the_roster_once(network: Network, deployment: Deployment) -> None:
    focus, alice = deployment.facts["meeting"]["focus"], deployment.user("alice").sip
    with device_line(network.add_host(), deployment, "alice") as line:
        assert status_of(join(line, focus, alice)) == 200
        answers = []
        for _ in range(MOST_OF_SEAT + 2):
            line.send(request("SUBSCRIBE", focus, alice, headers="Event: conference"))
            answers.append(status_of(line.final()))
    assert answers == [200] * MOST_OF_SEAT + [403, 403]


def test_a_token_that_a_stranger_showed_still_serves_its_owner(
    network: Network, deployment: Deployment
) -> None:
    focus, alice = deployment.facts["meeting"]["focus"], deployment.user("alice").sip
    media = focus.replace(":focus:", ":audio-video:")
    with (
        device_line(network.add_host(), deployment, "alice") as line,
        device_line(network.add_host(), deployment, "bob") as thief,
    ):
        token = media_token(line, join(line, focus, alice), focus, media, alice)
        shown = f"Conference-Token: {token}\nContent-Type: application/sdp"
        bob = deployment.user("bob").sip
        assert thief.ask(request("INVITE", media, bob, headers=shown, body="v=0\n")) == 403
        wrong = f"Conference-Token: {token}\nContent-Type: text/plain"
        assert line.ask(request("INVITE", media, alice, headers=wrong, body="v=0\n")) == 415
        status = line.ask(request("INVITE", media, alice, headers=shown, body="v=0\n"))
        assert status in (400, 488), "the offer is bad, the token still good"


def media_token(line: SipLine, joined: str, focus: str, media: str, me: str) -> str:
    """Ask the focus for media within the dialog that an answer has opened."""
    body = ADD_USER.format(focus=focus, me=me, role="attendee")
    body = body.replace("<addUser>", f'<addUser mcuUri="{media}">')
    tag = header_of(joined, "To").split("tag=")[1]
    info = request(
        "INFO", focus, me, headers=CCCP, body=body, cseq=2, call_id=header_of(joined, "Call-ID")
    )
    info = info.replace(f"To: <{focus}>", f"To: <{focus}>;tag={tag}")
    mine = header_of(joined, "From")
    info = "\n".join(
        f"From: {mine}" if row.startswith("From:") else row for row in info.split("\n")
    )
    line.send(info)
    answer = line.final()
    assert status_of(answer) == 200, answer
    found = re.search(r"key>token</[a-z:]*key><[a-z:]*value>([^<]+)<", answer)
    assert found, answer
    return found[1]


def test_a_shared_connection_ends_with_the_first_who_must_go(
    network: Network, deployment: Deployment
) -> None:
    alice, bob = deployment.user("alice"), deployment.user("bob")
    with SipLine(network.add_host(), deployment) as line:
        for user in (alice, bob):
            line.send(request("REGISTER", DOMAIN, user.sip, to=user.sip))
            challenge = challenge_of(line.final())
            proof = digest(
                challenge, method="REGISTER", uri=DOMAIN, username=user.name,
                password=user.device_secret,
            )  # fmt: skip
            message = request("REGISTER", DOMAIN, user.sip, to=user.sip, headers=proof)
            assert line.ask(message) == 200
        deployment.revoke_device("alice", "demo phone")
        try:
            while line.receive():
                pass
        except ConnectionError:
            pass
