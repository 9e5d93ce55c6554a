"""ATTACKS 38, 40: from the lobby there is no way in but being let in (C14)."""

from tests.clients.deployment import Deployment
from tests.clients.guest import ADD_USER, Guest
from tests.clients.namespaces import Network
from tests.clients.participant import C3P
from tests.clients.sip_line import status_of

_OFFER = """\
v=0
o=- 1 1 IN IP4 192.0.2.1
s=-
c=IN IP4 192.0.2.1
t=0 0
m=audio 40000 RTP/SAVP 0
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
"""


def test_asking_for_a_role_at_the_door_gives_none(network: Network, deployment: Deployment) -> None:
    with Guest(network.add_host(), deployment) as guest:
        assert status_of(guest.knock(role="presenter")) == 183


def test_the_lobby_gets_no_roster(network: Network, deployment: Deployment) -> None:
    with Guest(network.add_host(), deployment) as guest:
        guest.knock()
        subscribe = guest.write(
            "SUBSCRIBE", guest.focus,
            headers="Event: conference\nAccept: application/conference-info+xml",
        )  # fmt: skip
        assert guest.line.ask(subscribe) == 403


def test_the_lobby_gets_no_media_without_a_token_or_with_a_made_up_one(
    network: Network, deployment: Deployment
) -> None:
    with Guest(network.add_host(), deployment) as guest:
        guest.knock()
        for token in ("", "Conference-Token: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"):
            invite = guest.write(
                "INVITE", guest.media, headers=f"{token}Content-Type: application/sdp", body=_OFFER
            )
            assert guest.line.ask(invite) == 403


def test_the_lobby_commands_nothing(network: Network, deployment: Deployment) -> None:
    with Guest(network.add_host(), deployment) as guest:
        answer = guest.knock()
        command = ADD_USER.format(focus=guest.focus, me=guest.me, role="presenter")
        assert guest.line.ask(guest.later("INFO", answer, headers=C3P, body=command)) == 403


def test_a_second_guest_does_not_enter_under_the_firsts_name(
    network: Network, deployment: Deployment
) -> None:
    host = network.add_host()
    with Guest(host, deployment) as guest, Guest(host, deployment) as copy:
        assert status_of(guest.knock()) == 183
        copy.me = guest.me
        assert status_of(copy.knock()) == 403
