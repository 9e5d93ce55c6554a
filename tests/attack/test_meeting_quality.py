"""ATTACKS 69, 74: how a meeting's media fares is for its organizer; metrics of it name nobody and no meeting."""

from collections.abc import Iterator

import httpx
import pytest

from tests.attack.test_metrics import PORT, scrape
from tests.clients.audio import melody, write_wav
from tests.clients.baresip import Baresip
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.dpop import with_token
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import tokens
from tests.clients.participant import Participant


@pytest.fixture(scope="module")
def deployment(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """With metrics on loopback, and a meeting that a leader and a phone are in."""
    folder = tmp_path_factory.mktemp("quality")
    env = {"VESTIBULE_METRICS_LISTEN": f"127.0.0.1:{PORT}"}
    with Deployment(network.server, folder / "demo", env=env) as deployment:
        bob, phone_folder = deployment.user("bob"), folder / "phone"
        phone_folder.mkdir()
        write_wav(phone_folder / "in.wav", melody(3, 60.0), channels=2)
        with (
            Participant(network.add_host(), deployment, "alice") as alice,
            Baresip(
                network.add_host(), phone_folder, address=bob.sip, outbound=deployment.outbound,
                authority=deployment.authority, certificate=bob.device_pem,
            ) as phone,
        ):  # fmt: skip
            alice.join()
            phone.wait_registered()
            phone.dial(deployment.facts["meeting"]["focus"])
            phone.wait_event("CALL_ESTABLISHED")
            yield deployment


def browser(network: Network, deployment: Deployment) -> httpx.Client:
    transport = HostTransport(network.add_host(), deployment.authority)
    return httpx.Client(transport=transport, base_url=deployment.origin)


def ask(
    browser: httpx.Client, deployment: Deployment, token: str | None, meeting: str = ""
) -> httpx.Response:
    meeting = meeting or deployment.facts["meeting"]["id"]
    return browser.get(f"/api/v1/meetings/{meeting}/quality", headers=with_token(token))


def test_who_is_in_the_meeting_without_leading_it_is_told_nothing(
    network: Network, deployment: Deployment
) -> None:
    bobs, alices = browser(network, deployment), browser(network, deployment)
    alice = tokens(alices, deployment)["access_token"]
    bob = tokens(bobs, deployment, "bob")["access_token"]
    told = eventually(lambda: ask(alices, deployment, alice).json(), "the organizer sees the phone")
    assert [(one["entity"], one["kind"]) for one in told] == [(deployment.user("bob").sip, "phone")]
    refused = ask(bobs, deployment, bob)
    unknown = ask(bobs, deployment, bob, "A" * 22)
    assert refused.status_code == unknown.status_code == 404
    assert refused.text == unknown.text, "nor whether there is such a meeting"
    assert ask(bobs, deployment, None).status_code == 401


def test_a_phone_s_numbers_are_live(network: Network, deployment: Deployment) -> None:
    alices = browser(network, deployment)
    token = tokens(alices, deployment)["access_token"]

    def known() -> bool:
        (one,) = ask(alices, deployment, token).json()
        said, heard = one["mos_received"], one["mos_sent"]
        trip = one["round_trip"]
        if not (one["received"] and one["sent"]):
            return False
        flowing = one["received"][0]["bitrate"] and one["sent"][0]["packets"]
        return bool(said and heard and trip is not None and flowing and min(said, heard) > 4)

    eventually(known, "scores of both ways, by our reports and the phone's", 30.0)


def test_metrics_name_nobody_and_no_meeting(deployment: Deployment) -> None:
    told = scrape(deployment).text
    ours = [line for line in told.splitlines() if line.startswith("vestibule_media")]
    assert 'vestibule_media_endpoints{kind="phone"} 1.0' in ours
    for secret in ("alice", "bob", deployment.facts["meeting"]["id"]):
        assert secret not in "".join(ours)
