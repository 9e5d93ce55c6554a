"""SCIM from outside: one tenant's directory keeps its people in step, and reaches nobody else's (I1, I13, I14).

ATTACKS 7, 24, 73: without the token nothing, with it one tenant; what it takes away ends at once.
"""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.attack.test_live_flow_ends import by_association, register
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import Ask, query_of, redeem, refresh, session, sign_in, tokens
from tests.clients.socket_line import open_socket

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def user(name: str, **more: Any) -> dict[str, Any]:
    return {"schemas": [USER], "userName": name, **more}


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


class Provisioner:
    """A tenant's directory, as an HTTP client."""

    def __init__(self, network: Network, deployment: Deployment, token: str) -> None:
        self.token = token
        self.http = httpx.Client(
            transport=HostTransport(network.add_host(), deployment.authority),
            base_url=f"{deployment.origin}/scim/v2",
            headers={"Authorization": f"Bearer {token}"},
        )

    def ask(self, method: str, path: str, said: Any = None, **more: Any) -> httpx.Response:
        """A request; every error must be one of SCIM's own."""
        response = self.http.request(method, path, json=said, **more)
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/scim+json"
            problem = response.json()
            assert (problem["schemas"], problem["status"]) == ([ERROR], str(response.status_code))
        return response

    def find(self, query: str) -> list[dict[str, Any]]:
        found = self.ask("GET", "/Users", params={"filter": query})
        assert found.status_code == 200, found.text
        resources: list[dict[str, Any]] = found.json()["Resources"]
        return resources


def make_token(deployment: Deployment, *arguments: str) -> str:
    said = deployment.vestibule("provisioning-token", "add", *arguments)
    found = re.search(r"token\s+(\S+)", said)
    assert found, said
    return found[1]


@pytest.fixture(scope="module")
def secrets(deployment: Deployment) -> dict[str, str]:
    """Tokens: of the demo's tenant, of another, one that may only read, one that will be revoked."""
    deployment.vestibule("tenant", "add", "Other", "other.test")
    ours = ("--domain", "vestibule.test")
    return {
        "ours": make_token(deployment, "entra", *ours),
        "theirs": make_token(deployment, "theirs", "--domain", "other.test"),
        "reader": make_token(deployment, "reader", "--read-only", *ours),
        "lost": make_token(deployment, "lost", *ours),
    }


@pytest.fixture(scope="module")
def ours(
    network: Network, deployment: Deployment, secrets: dict[str, str]
) -> Iterator[Provisioner]:
    provisioner = Provisioner(network, deployment, secrets["ours"])
    eventually(lambda: provisioner.find('userName eq "alice@vestibule.test"'), "the directory")
    yield provisioner
    provisioner.http.close()


@pytest.fixture(scope="module")
def theirs(
    network: Network, deployment: Deployment, secrets: dict[str, str]
) -> Iterator[Provisioner]:
    provisioner = Provisioner(network, deployment, secrets["theirs"])
    yield provisioner
    provisioner.http.close()


def test_a_person_comes_changes_and_goes(ours: Provisioner, deployment: Deployment) -> None:
    said = user(
        "Erin@vestibule.test", externalId="e-1", displayName="Erin", active=True, title="Dr.",
        emails=[{"value": "e@mail.test"}, {"value": "erin@mail.test", "primary": True}],
    )  # fmt: skip
    made = ours.ask("POST", "/Users", said)
    assert made.status_code == 201, made.text
    erin = made.json()
    assert made.headers["location"].endswith(f"/scim/v2/Users/{erin['id']}")
    assert erin["emails"][0]["value"] == "erin@mail.test"
    assert ours.find('userName eq "ERIN@vestibule.test"') == [erin]
    assert ours.find('externalId eq "e-1"') == [erin]
    assert ours.find('externalId eq "E-1"') == []
    assert ours.ask("POST", "/Users", said).json()["scimType"] == "uniqueness"
    path = f"/Users/{erin['id']}"
    renamed = ours.ask("PUT", path, {**said, "displayName": "Erin E."}).json()
    assert renamed["displayName"] == "Erin E."
    steps = patch({"op": "Replace", "path": "displayName", "value": "Dr. Erin"},
                  {"op": "add", "value": {"active": "False"}})  # fmt: skip
    assert ours.ask("PATCH", path, steps).json()["active"] is False
    assert ours.ask("GET", path).json()["displayName"] == "Dr. Erin"
    assert ours.ask("PUT", path, user("frank@vestibule.test")).json()["scimType"] == "mutability"
    assert ours.ask("DELETE", path).status_code == 204
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", steps)):
        assert ours.ask(method, path, body).status_code == 404
    assert ours.find('userName eq "erin@vestibule.test"') == []
    assert ours.ask("POST", "/Users", said).status_code == 409, "nobody inherits an address"
    kinds = deployment.vestibule("journal", "export", "--kind", "person")
    for kind in ("added", "changed", "disabled", "removed"):
        assert f"person.{kind}" in kinds


def test_a_page_is_what_was_asked_for(ours: Provisioner) -> None:
    everybody = ours.ask("GET", "/Users").json()
    two = ours.ask("GET", "/Users", params={"startIndex": "2", "count": "1"}).json()
    assert two["totalResults"] == everybody["totalResults"] >= 3
    assert two["Resources"] == everybody["Resources"][1:2]
    assert ours.ask("GET", "/Users", params={"count": "-1"}).json()["Resources"] == []
    for query in (
        'userName co "a"',
        "userName eq alice",
        'password eq "x"',
        'a eq "b" or c eq "d"',
    ):
        refused = ours.ask("GET", "/Users", params={"filter": query})
        assert refused.json()["scimType"] == "invalidFilter"


def test_no_tenant_reaches_another_s_people(ours: Provisioner, theirs: Provisioner) -> None:
    (alice,) = ours.find('userName eq "alice@vestibule.test"')
    bob = theirs.ask("POST", "/Users", user("bob@other.test", externalId="1")).json()
    assert theirs.ask("GET", "/Users").json()["totalResults"] == 1
    assert theirs.find('userName eq "alice@vestibule.test"') == []
    path, disable = f"/Users/{alice['id']}", patch({"op": "replace", "value": {"active": False}})
    for method, body in (
        ("GET", None), ("PUT", user("alice@vestibule.test", active=False)), ("PATCH", disable),
        ("DELETE", None),
    ):  # fmt: skip
        nobody = theirs.ask(method, "/Users/nobody", body)
        refused = theirs.ask(method, path, body)
        assert (refused.status_code, refused.text) == (404, nobody.text)
    assert ours.ask("GET", path).json() == alice
    stolen = theirs.ask("POST", "/Users", user("mallory@vestibule.test"))
    assert stolen.status_code == 400
    assert ours.ask("GET", f"/Users/{bob['id']}").status_code == 404
    assert theirs.ask("GET", f"/Users/{bob['id']}").status_code == 200


def test_without_a_good_token_there_is_nothing(
    ours: Provisioner, network: Network, deployment: Deployment, secrets: dict[str, str]
) -> None:
    with httpx.Client(
        transport=HostTransport(network.add_host(), deployment.authority),
        base_url=f"{deployment.origin}/scim/v2",
    ) as stranger:

        def status(token: str | None, method: str = "GET", path: str = "/Users") -> int:
            headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
            return stranger.request(method, path, headers=headers).status_code

        assert status(secrets["lost"]) == 200
        for path in ("/Users", "/Schemas", "/ServiceProviderConfig", "/Users/x", "/nothing"):
            assert status(None, path=path) == 401
        given = tokens(stranger_at(deployment, network), deployment)["access_token"]
        forged = secrets["ours"][:-1] + ("A" if secrets["ours"][-1] != "A" else "B")
        for bad in ("", "x", forged, secrets["ours"].removeprefix("vscim_"), given):
            assert status(bad) == 401
        assert status(secrets["reader"]) == 200
        assert status(secrets["reader"], "POST") == 403
        deployment.vestibule("provisioning-token", "revoke", "lost", "--domain", "vestibule.test")
        assert status(secrets["lost"]) == 401
    exported = deployment.vestibule("journal", "export")
    assert "provisioning-token.revoked" in exported
    assert "scim-bearer" in exported
    stored = (deployment.folder / "vestibule.db").read_bytes()
    for secret in secrets.values():
        assert secret not in exported
        assert secret not in deployment.log.read_text()
        assert secret.encode() not in stored


def stranger_at(deployment: Deployment, network: Network) -> httpx.Client:
    transport = HostTransport(network.add_host(), deployment.authority)
    return httpx.Client(transport=transport, base_url=deployment.origin)


@pytest.mark.parametrize("how", ["disabled", "deleted"])
def test_who_is_taken_away_is_out_at_once(
    ours: Provisioner, network: Network, deployment: Deployment, how: str
) -> None:
    name = {"disabled": "alice", "deleted": "bob"}[how]
    browser, host = stranger_at(deployment, network), network.add_host()
    given = tokens_of(browser, deployment, name)
    (person,) = ours.find(f'userName eq "{name}@vestibule.test"')
    path = f"/Users/{person['id']}"
    with open_socket(host, deployment) as socket:
        if name == "alice":
            assert register(socket, by_association(browser, given)) == 200
        if how == "disabled":
            off = patch({"op": "replace", "path": "active", "value": False})
            assert ours.ask("PATCH", path, off).status_code == 200
        else:
            assert ours.ask("DELETE", path).status_code == 204
        assert session(browser, given["access_token"]) == 401
        assert refresh(browser, given["refresh_token"]).status_code == 400
        if name == "alice":
            with pytest.raises(ConnectionClosed):
                socket.recv(10.0)
    if how == "disabled":
        on = patch({"op": "replace", "path": "active", "value": True})
        assert ours.ask("PATCH", path, on).json()["active"] is True
        assert session(browser, given["access_token"]) == 401, "what was ended stays ended"
        assert refresh(browser, given["refresh_token"]).status_code == 400
        tokens_of(browser, deployment, name)
    browser.close()


def tokens_of(browser: httpx.Client, deployment: Deployment, name: str) -> dict[str, Any]:
    browser.cookies.clear()
    ask = Ask(deployment.origin)
    back = sign_in(browser, ask, name, deployment.user(name).password)
    given: dict[str, Any] = redeem(browser, ask, query_of(back)["code"], ask.verifier).json()
    assert session(browser, given["access_token"]) == 200
    return given


def test_an_account_for_emergencies_is_out_of_reach(
    ours: Provisioner, deployment: Deployment
) -> None:
    (carol,) = ours.find('userName eq "carol@vestibule.test"')
    deployment.vestibule("user", "break-glass", "carol")
    path = f"/Users/{carol['id']}"
    eventually(
        lambda: ours.ask("PUT", path, user("carol@vestibule.test")).status_code == 403,
        "the server to know", 10.0,
    )  # fmt: skip
    assert ours.ask("DELETE", path).status_code == 403
    assert ours.ask("GET", path).json() == carol


def test_hostile_documents_are_refused_and_change_nothing(ours: Provisioner) -> None:
    before = ours.ask("GET", "/Users").json()

    def send(body: bytes, kind: str = "application/scim+json") -> int:
        return ours.http.post("/Users", content=body, headers={"Content-Type": kind}).status_code

    head = b'{"schemas": ["%s"], ' % USER.encode()
    assert send(head + b'"userName": "x@vestibule.test", "userName": "y@vestibule.test"}') == 400
    assert send(head + b'"userName": "x@vestibule.test", "USERNAME": "y@vestibule.test"}') == 400
    assert send(head + b'"x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}") == 400
    assert send(b"x" * 70_000) == 413
    assert send(b"\xff") == send(b"[]") == send(b"null") == send(b"{}") == 400
    assert send(head + b'"userName": "x@vestibule.test"}', "text/plain") == 415
    for bad in ("", "a b@vestibule.test", "x@vestibule.test@vestibule.test", "<x>", "x\r\ny", 7):
        assert ours.ask("POST", "/Users", user(bad)).status_code == 400  # type: ignore[arg-type]
    good = "x@vestibule.test"
    for more in ({"displayName": "a\u202eb"}, {"displayName": "x" * 2000}, {"active": "maybe"},
                 {"emails": "x"}, {"emails": [{"value": "a b@c.d"}]}, {"externalId": "x" * 300},
                 {"emails": [{"value": "a@b.c\r\nBcc: d@e.f"}]}):  # fmt: skip
        assert ours.ask("POST", "/Users", user(good, **more)).status_code == 400
    assert ours.ask("GET", "/Users").json() == before
