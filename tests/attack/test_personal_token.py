"""ATTACKS 18, 73: a script's token found by a thief: no more than its scope, and gone once revoked."""

import re

import httpx
import pytest

from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import form_of, hidden_fields

_PAGE = "/identity/tokens"


def client(network: Network, deployment: Deployment) -> httpx.Client:
    transport = HostTransport(network.add_host(), deployment.authority)
    return httpx.Client(transport=transport, base_url=deployment.origin)


@pytest.fixture(scope="module")
def owner(network: Network, deployment: Deployment) -> httpx.Client:
    """Alice's browser, signed in just now."""
    browser = client(network, deployment)
    fields = hidden_fields(browser.get(_PAGE).text)
    typed = {"username": "alice", "password": deployment.user("alice").password}
    assert browser.post("/identity/sign-in", data={**fields, **typed}).status_code == 303
    return browser


@pytest.fixture(scope="module")
def token(owner: httpx.Client, deployment: Deployment) -> str:
    """For reading meetings; the policy has to allow it first."""
    assert "allow personal tokens" in owner.get(_PAGE).text
    deployment.vestibule("policy", "set", "--personal-token-days", "7")
    page = eventually(
        lambda: next((p for p in [owner.get(_PAGE).text] if 'name="days"' in p), None),
        "the policy to be in force",
        10.0,
    )
    wish = {"name": "Backup", "days": "7", "scope": "meetings:read"}
    shown = owner.post(_PAGE, data={**form_of(page, _PAGE), **wish}).text
    found = re.search(r"vpt_[\w-]{43}", shown)
    assert found
    return found[0]


def test_a_thief_can_do_what_it_is_for_and_no_more(
    network: Network, deployment: Deployment, token: str
) -> None:
    thief = client(network, deployment)
    thief.headers["Authorization"] = f"Bearer {token}"
    assert thief.get("/api/v1/meetings").status_code == 200
    assert thief.post("/api/v1/meetings", json={"subject": "x"}).status_code == 403
    assert thief.get("/api/v1/session").status_code == 403
    assert thief.get("/identity/userinfo").status_code == 403
    key = {"public_key": "A" * 87}
    assert thief.post("/identity/associations", json=key).status_code == 403
    form = {"client_id": "vestibule-cli", "grant_type": "refresh_token", "refresh_token": token}
    assert thief.post("/identity/token", data=form).json()["error"] == "invalid_grant"
    assert _PAGE not in thief.get(_PAGE).text  # the sign-in page


def test_another_site_makes_none(owner: httpx.Client, token: str) -> None:
    form = {**form_of(owner.get(_PAGE).text, _PAGE), "name": "x", "days": "1"}
    form["scope"] = "meetings:write"
    evil = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
    assert owner.post(_PAGE, data=form, headers=evil).status_code == 403
    del form["form_token"]
    assert owner.post(_PAGE, data=form).status_code == 403


def test_an_admin_s_revocation_holds_at_the_next_call(
    network: Network, deployment: Deployment, token: str
) -> None:
    script = client(network, deployment)
    script.headers["Authorization"] = f"Bearer {token}"
    assert script.get("/api/v1/meetings").status_code == 200
    listed = deployment.vestibule("token", "list", "alice")
    row = next(line for line in listed.splitlines() if " Backup " in line)
    deployment.vestibule("token", "revoke", "alice", row.split()[0])
    assert script.get("/api/v1/meetings").status_code == 401
    assert token not in deployment.log.read_text()
    journal = deployment.vestibule("journal", "export")
    assert "personal-token.revoked" in journal
    assert token not in journal
