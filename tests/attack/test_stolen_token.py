"""ATTACKS 18, 73: a token bound to a key is worth nothing without that key, over real TLS (RFC 9449)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.clients.association import ClientAssociation
from tests.clients.deployment import Deployment
from tests.clients.dpop import Prover
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import Ask, authorize, query_of, sign_in


@dataclass
class Holder:
    """A client with a key of its own."""

    http: httpx.Client
    origin: str
    prover: Prover = field(default_factory=Prover)

    def send(
        self, method: str, path: str, token: str | None = None, *, proof: str | None = None,
        **more: Any,
    ) -> httpx.Response:  # fmt: skip
        """A request with a proof, made anew if the server wants a nonce in it."""
        proven = proof or self.prover.proof(method, f"{self.origin}{path}", token)
        headers = {"DPoP": proven} | ({"Authorization": f"DPoP {token}"} if token else {})
        answer = self.http.request(method, path, headers=headers, **more)
        self.prover.nonce = answer.headers.get("dpop-nonce", self.prover.nonce)
        said = answer.text + answer.headers.get("www-authenticate", "")
        if proof is None and answer.status_code in (400, 401) and "use_dpop_nonce" in said:
            return self.send(method, path, token, **more)
        return answer

    def token(self, **form: str) -> httpx.Response:
        return self.send("POST", "/identity/token", data={"client_id": "vestibule-web", **form})

    def sign_in(self, deployment: Deployment) -> dict[str, Any]:
        ask = Ask(self.origin)
        back = authorize(self.http, ask)
        if back.status_code == 200:  # the sign-in page
            back = sign_in(self.http, ask, "alice", deployment.user("alice").password)
        code = query_of(back)["code"]
        answer = self.token(
            grant_type="authorization_code", code=code, code_verifier=ask.verifier,
            redirect_uri=ask.parameters["redirect_uri"],
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        assert tokens["token_type"] == "DPoP"
        return tokens


def client(network: Network, deployment: Deployment) -> httpx.Client:
    transport = HostTransport(network.add_host(), deployment.authority)
    return httpx.Client(transport=transport, base_url=deployment.origin)


@pytest.fixture(scope="module")
def owner(network: Network, deployment: Deployment) -> Iterator[Holder]:
    with client(network, deployment) as http:
        yield Holder(http, deployment.origin)


@pytest.fixture(scope="module")
def thief(network: Network, deployment: Deployment) -> Iterator[Holder]:
    with client(network, deployment) as http:
        yield Holder(http, deployment.origin)


@pytest.fixture(scope="module")
def loot(owner: Holder, deployment: Deployment) -> dict[str, Any]:
    """What the thief has: all the owner's tokens, not the key."""
    return owner.sign_in(deployment)


SESSION = "/api/v1/session"


def test_the_owner_uses_it(owner: Holder, loot: dict[str, Any]) -> None:
    assert owner.send("GET", SESSION, loot["access_token"]).status_code == 200


def test_a_stolen_token_without_the_key(thief: Holder, loot: dict[str, Any]) -> None:
    token = loot["access_token"]
    for scheme in ("Bearer", "DPoP"):
        headers = {"Authorization": f"{scheme} {token}"}
        assert thief.http.get(SESSION, headers=headers).status_code == 401
    refused = thief.send("GET", SESSION, token)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


def test_a_stolen_token_opens_no_association(
    owner: Holder, thief: Holder, loot: dict[str, Any], deployment: Deployment
) -> None:
    token, path, body = loot["access_token"], "/identity/associations", {"public_key": "A" * 87}
    assert thief.send("POST", path, token, json=body).status_code == 401
    bearer = {"Authorization": f"Bearer {token}"}
    assert thief.http.post(path, json=body, headers=bearer).status_code == 401
    ClientAssociation.open(
        owner.http, loot["access_token"], deployment.user("alice").sip,
        send=lambda json: owner.send(
            "POST", "/identity/associations", loot["access_token"], json=json
        ),
    )  # fmt: skip


def test_a_stolen_refresh_token_without_the_key(
    owner: Holder, thief: Holder, deployment: Deployment
) -> None:
    token = owner.sign_in(deployment)["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    assert thief.token(**form).json()["error"] == "invalid_grant"
    bare = thief.http.post("/identity/token", data={"client_id": "vestibule-web", **form})
    assert bare.json()["error"] == "invalid_grant"
    assert owner.token(**form).status_code == 200  # the thief has used nothing up


def test_a_proof_seen_on_the_way_is_good_for_nothing_else(
    owner: Holder, thief: Holder, loot: dict[str, Any], deployment: Deployment
) -> None:
    token, url = loot["access_token"], f"{owner.origin}{SESSION}"
    owner.send("GET", SESSION, token)  # so that the nonce is fresh
    seen = owner.prover.proof("GET", url, token)
    assert owner.send("GET", SESSION, token, proof=seen).status_code == 200
    assert thief.send("GET", SESSION, token, proof=seen).status_code == 401
    unused = owner.prover.proof("GET", url, token)
    for method, path in (("GET", "/api/v1/meetings"), ("POST", "/identity/associations")):
        assert thief.send(method, path, token, proof=unused).status_code == 401
    wrong_method = owner.prover.proof("POST", url, token)
    assert thief.send("GET", SESSION, token, proof=wrong_method).status_code == 401
    other_token = owner.sign_in(deployment)["access_token"]
    assert thief.send("GET", SESSION, other_token, proof=unused).status_code == 401
    assert owner.send("GET", SESSION, token, proof=unused).status_code == 200


def test_proofs_can_t_be_made_in_store(owner: Holder, loot: dict[str, Any]) -> None:
    token, url = loot["access_token"], f"{owner.origin}{SESSION}"
    for nonce in (None, "guess", f"{owner.prover.nonce}x"):
        stored = owner.prover.proof("GET", url, token, nonce=nonce)
        refused = owner.send("GET", SESSION, token, proof=stored)
        assert refused.status_code == 401
        assert 'error="use_dpop_nonce"' in refused.headers["www-authenticate"]


def test_wrong_token_hash_algorithm_and_key(owner: Holder, loot: dict[str, Any]) -> None:
    token, url = loot["access_token"], f"{owner.origin}{SESSION}"
    bent = [
        owner.prover.proof("GET", url, f"{token}x"),
        owner.prover.proof("GET", url),
        owner.prover.proof("GET", url, token, head={"alg": "none"}),
        owner.prover.proof("GET", url, token, head={"alg": "HS256"}),
        owner.prover.proof("GET", url, token, head={"typ": "JWT"}),
        owner.prover.proof("GET", url, token, head={"jwk": Prover().key.jwk}),
    ]
    for proof in bent:
        refused = owner.send("GET", SESSION, token, proof=proof)
        assert refused.status_code == 401
        assert 'error="invalid_dpop_proof"' in refused.headers["www-authenticate"]


def test_revocation_ends_bound_tokens_at_once(owner: Holder, deployment: Deployment) -> None:
    tokens = owner.sign_in(deployment)
    form = {"client_id": "vestibule-web", "token": tokens["refresh_token"]}
    assert owner.http.post("/identity/revoke", data=form).status_code == 200
    assert owner.send("GET", SESSION, tokens["access_token"]).status_code == 401
