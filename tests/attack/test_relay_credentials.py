"""ATTACKS 26: credentials for the relay are for who asks with proof, for as long as that holds, and not without end."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from bench.turn_client import Refused, TurnClient

from tests.attack.test_hostile_bodies import ENTITIES
from tests.attack.test_live_flow_ends import (
    Prove,
    by_association,
    by_token,
    revoke,
    sign_out,
)
from tests.clients.calls import DOMAIN
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.guest import Guest, device_line
from tests.clients.https import HostTransport
from tests.clients.namespaces import Host, Network
from tests.clients.oidc import device_tokens, tokens
from tests.clients.relay_authentication import (
    HEADERS,
    TYPE,
    URI,
    Granted,
    ask,
    asking,
    body,
    granted,
)
from tests.clients.relay_crowd import Crowd, Holder
from tests.clients.sip_line import SipLine, challenge_of, digest, header_of, request, status_of
from tests.clients.socket_line import open_socket

ALICE, BOB = "sip:alice@vestibule.test", "sip:bob@vestibule.test"
MOST_PER_PERSON = 20
PER_PERSON = 5
"""Allocations."""
UNKNOWN, STALE, QUOTA_REACHED = 401, 438, 486
HOSTILE = {
    "billion laughs": f"<!DOCTYPE r [{ENTITIES}]>{body('&e9;')}",
    "a file": f'<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/hostname">]>{body("&f;")}',
    "deep": body(f"{'<a>' * 100}{'</a>' * 100}"),
    "deeper than parsers like": body(f"{'<a>' * 500}{'</a>' * 500}"),
    "too large": body(ALICE, duration=" " * 5000),
    "two identities": body(f"{ALICE}</identity><identity>{BOB}"),
    "two requests": body(ALICE).replace(
        "</request>", "<credentialsRequest><identity/></credentialsRequest></request>"
    ),
    "nothing": "",
    "no XML": "<request",
    "another document": "<response/>",
    "no end of time": body(ALICE, duration="9" * 400),
    "no time": body(ALICE, duration="0"),
    "time that was": body(ALICE, duration="-60"),
    "elsewhere": body(ALICE).replace("internet", "extranet"),
}


@pytest.fixture(scope="module")
def deployment(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A demo where phones may sign in by code, and few allocations are a person's share."""
    env = {"VESTIBULE_RELAY_ALLOCATIONS_PER_PERSON": str(PER_PERSON)}
    with Deployment(
        network.server, tmp_path_factory.mktemp("mras") / "demo", env=env
    ) as deployment:
        yield deployment


def holder(deployment: Deployment, given: Granted) -> Holder:
    assert (given.host, given.udp_port) == (deployment.host.address, given.tcp_port)
    assert given.udp_port == deployment.facts["turn_port"]
    return Holder(deployment, (given.username, given.password))


def has_ended(client: TurnClient) -> bool:
    """Whether a client's credential is unknown to the relay now."""
    for _ in range(2):
        try:
            client.permit(("8.8.8.8", 53))
        except Refused as refused:
            if (
                refused.code != STALE
            ):  # a nonce ends with its allocation; the answer brought another
                assert refused.code == UNKNOWN, refused
                return True
        else:
            return False
    raise AssertionError("stale again")


def assert_refused(crowd: Crowd, deployment: Deployment, given: Granted) -> None:
    """It allocates nothing any more."""
    assert crowd.refusal(holder(deployment, given), crowd.host(), "udp") == UNKNOWN


# --- who ---


def test_a_stranger_gets_none(network: Network, deployment: Deployment) -> None:
    with SipLine(network.add_host(), deployment) as line:
        line.send(asking(ALICE, body(ALICE)))
        answer = line.final()
    assert status_of(answer) == 401
    assert "password" not in answer


def test_a_guest_gets_none(network: Network, deployment: Deployment) -> None:
    with Guest(network.add_host(), deployment) as guest:
        for identity in (guest.me, ALICE):
            text = body(guest.me, identity=identity)
            guest.line.send(guest.write("SERVICE", URI, headers=HEADERS, body=text))
            answer = guest.line.final()
            assert status_of(answer) == 403
            assert "<credentials>" not in answer


@pytest.mark.parametrize("identity", [BOB, "sip:alice@elsewhere.test", "alice", "*", " "])
def test_nobody_gets_somebody_elses(
    network: Network, deployment: Deployment, identity: str
) -> None:
    with device_line(network.add_host(), deployment, "alice") as line:
        line.send(asking(ALICE, body(ALICE, identity=identity)))
        answer = line.final()
    assert status_of(answer) == 403
    assert "identity" in header_of(answer, "Warning")
    assert "<credentials>" not in answer


def test_a_phone_with_a_certificate_gets_one(
    network: Network, deployment: Deployment, crowd: Crowd
) -> None:
    with device_line(network.add_host(), deployment, "alice") as line:
        given = ask(line, ALICE)
    assert given.location == "internet"
    crowd.allocate(holder(deployment, given), crowd.host(), "udp")
    crowd.allocate(holder(deployment, given), crowd.host(), "tcp")


def test_a_phone_with_a_secret_gets_one(
    network: Network, deployment: Deployment, crowd: Crowd
) -> None:
    with SipLine(network.add_host(), deployment) as line:
        line.send(asking(BOB, body(BOB)))
        proof = digest(
            challenge_of(line.final()), method="SERVICE", uri=URI, username="bob",
            password=deployment.user("bob").device_secret,
        )  # fmt: skip
        line.send(asking(BOB, body(BOB), headers=f"{proof}\n{HEADERS}"))
        given = granted(line.final())
    crowd.allocate(holder(deployment, given), crowd.host(), "tcp")


# --- how long, how many ---


@pytest.mark.parametrize(
    ("asked", "got"), [("60", 60), ("1", 1), ("480", 480), ("481", 480), ("999999999", 480)]
)
def test_nobody_gets_one_for_longer_than_eight_hours(
    network: Network, deployment: Deployment, asked: str, got: int
) -> None:
    with device_line(network.add_host(), deployment, "alice") as line:
        assert ask(line, ALICE, duration=asked).duration == got


def test_who_asks_without_end_loses_the_oldest(
    network: Network, deployment: Deployment, crowd: Crowd
) -> None:
    with device_line(network.add_host(), deployment, "carol") as line:
        me = deployment.user("carol").sip
        first, second = ask(line, me), ask(line, me)
        held = [
            crowd.allocate(holder(deployment, one), crowd.host(), "tcp") for one in (first, second)
        ]
        last = [ask(line, me) for _ in range(MOST_PER_PERSON - 1)][-1]
    eventually(lambda: has_ended(held[0]), "the oldest to end")
    assert not has_ended(held[1])
    assert_refused(crowd, deployment, first)
    crowd.allocate(holder(deployment, last), crowd.host(), "tcp")


def test_all_of_a_persons_share_one_quota(
    network: Network, deployment: Deployment, crowd: Crowd
) -> None:
    with device_line(network.add_host(), deployment, "carol") as line:
        me = deployment.user("carol").sip
        for _ in range(PER_PERSON):
            crowd.allocate(holder(deployment, ask(line, me)), crowd.host(), "tcp")
        again = holder(deployment, ask(line, me))
    assert crowd.refusal(again, crowd.host(), "tcp") == QUOTA_REACHED


# --- what is asked ---


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bodies_are_refused(network: Network, deployment: Deployment, text: str) -> None:
    with device_line(network.add_host(), deployment, "alice") as line:
        line.send(asking(ALICE, text))
        answer = line.final()
        assert status_of(answer) == 400
        assert header_of(answer, "Warning").startswith("399 ")
        assert line.ask(request("OPTIONS", DOMAIN, ALICE)) == 200


@pytest.mark.parametrize("headers", ["", "Content-Type: application/sdp"])
def test_another_type_is_refused(network: Network, deployment: Deployment, headers: str) -> None:
    with device_line(network.add_host(), deployment, "alice") as line:
        line.send(asking(ALICE, body(ALICE), headers=headers))
        answer = line.final()
    assert status_of(answer) == 415
    assert header_of(answer, "Accept") == TYPE


# --- when the proof no longer stands ---


def test_it_ends_with_the_device(
    network: Network, deployment: Deployment, crowd: Crowd, tmp_path: Path
) -> None:
    pem = tmp_path / "lost.pem"
    deployment.vestibule("device", "enroll", "bob", "lost", "--out", str(pem))
    with (
        SipLine(network.add_host(), deployment, pem) as lost,
        device_line(network.add_host(), deployment, "bob") as other,
    ):
        unused, used, apart = ask(lost, BOB), ask(lost, BOB), ask(other, BOB)
        ends, stays = (
            crowd.allocate(holder(deployment, one), crowd.host(), "tcp") for one in (used, apart)
        )
        deployment.revoke_device("bob", "lost")
        eventually(lambda: has_ended(ends), "the lost phone's to end")
        assert not has_ended(stays), "another phone goes on"
    assert_refused(crowd, deployment, used)
    assert_refused(crowd, deployment, unused)


def test_it_outlives_its_connection_but_not_the_persons_access(
    network: Network, deployment: Deployment, crowd: Crowd
) -> None:
    """A phone that connects anew goes on with what it has; who is disabled meanwhile doesn't."""
    me = deployment.user("carol").sip
    with device_line(network.add_host(), deployment, "carol") as line:
        given = ask(line, me)
    client = crowd.allocate(holder(deployment, given), crowd.host(), "tcp")
    deployment.vestibule("user", "disable", "carol")
    try:
        eventually(lambda: has_ended(client), "what she has to end")
        assert_refused(crowd, deployment, given)
    finally:
        deployment.vestibule("user", "enable", "carol")


Given = dict[str, Any]


@pytest.mark.parametrize("end", [sign_out, revoke])
def test_a_browsers_ends_with_its_sign_in(
    network: Network,
    deployment: Deployment,
    crowd: Crowd,
    end: Callable[[httpx.Client, Given], None],
) -> None:
    host = network.add_host()
    transport = HostTransport(host, deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as browser:
        given = tokens(browser, deployment)
        client = allocated_by(host, deployment, crowd, by_association(browser, given))
        end(browser, given)
        eventually(lambda: has_ended(client), "the browser's to end")


def test_a_phones_by_token_ends_with_its_sign_in(
    network: Network, deployment: Deployment, crowd: Crowd
) -> None:
    host = network.add_host()
    transport = HostTransport(host, deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as browser:
        given, apart = (device_tokens(browser, deployment) for _ in range(2))
        ends, stays = (
            allocated_by(host, deployment, crowd, by_token(one)) for one in (given, apart)
        )
        revoke(browser, given, "vestibule-phone")
        eventually(lambda: has_ended(ends), "the phone's to end")
        assert not has_ended(stays), "another sign-in goes on"


def allocated_by(host: Host, deployment: Deployment, crowd: Crowd, prove: Prove) -> TurnClient:
    """A relayed address of Alice's, who asks through a WebSocket of her own."""
    with open_socket(host, deployment) as socket:
        socket.send(prove(asking(ALICE, body(ALICE)).replace("\n", "\r\n")))
        given = granted(str(socket.recv(10.0)))
    return crowd.allocate(holder(deployment, given), crowd.host(), "tcp")
