"""ATTACKS 18, 73: a token bound to a key is worth nothing without that key, over real TLS (RFC 9449)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.clients.association import ClientAssociation
from tests.clients.deployment import Deployment
from tests.clients.dpop import WITHOUT_PROOF, Prover, with_token
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import (
    DEVICE_GRANT,
    Ask,
    authorize,
    hold_a_key,
    query_of,
    redeem,
    refresh,
    sign_in,
)


@dataclass
class Holder:
    """A client with a key of its own."""

    http: httpx.Client
    origin: str

    @property
    def prover(self) -> Prover:
        return hold_a_key(self.http).prover

    def send(
        self, method: str, path: str, token: str, *, proof: str | None = None, **more: Any
    ) -> httpx.Response:
        """A request with that token and proof, or with one made for it."""
        headers = with_token(token) | ({"DPoP": proof} if proof else {})
        return self.http.request(method, path, headers=headers, **more)

    def code(self, deployment: Deployment, ask: Ask) -> str:
        back = authorize(self.http, ask)
        if back.status_code == 200:  # the sign-in page
            back = sign_in(self.http, ask, "alice", deployment.user("alice").password)
        return query_of(back)["code"]

    def sign_in(self, deployment: Deployment) -> dict[str, Any]:
        ask = Ask(self.origin)
        answer = redeem(self.http, ask, self.code(deployment, ask), ask.verifier)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        assert tokens["token_type"] == "DPoP"
        return tokens


def holder(network: Network, deployment: Deployment) -> Iterator[Holder]:
    transport = HostTransport(network.add_host(), deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as http:
        hold_a_key(http)
        yield Holder(http, deployment.origin)


owner = pytest.fixture(scope="module", name="owner")(holder)
thief = pytest.fixture(scope="module", name="thief")(holder)


@pytest.fixture(scope="module")
def loot(owner: Holder, deployment: Deployment) -> dict[str, Any]:
    """What the thief has: all the owner's tokens, not the key."""
    return owner.sign_in(deployment)


SESSION = "/api/v1/session"
_NO_PROOF = (400, "invalid_dpop_proof")


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
    ClientAssociation.open(owner.http, loot["access_token"], deployment.user("alice").sip)


def test_a_stolen_refresh_token_without_the_key(
    owner: Holder, thief: Holder, deployment: Deployment
) -> None:
    token = owner.sign_in(deployment)["refresh_token"]
    assert refresh(thief.http, token).json()["error"] == "invalid_grant"
    assert without_proof(thief, grant_type="refresh_token", refresh_token=token) == _NO_PROOF
    assert refresh(owner.http, token).status_code == 200  # the thief has used nothing up


def test_a_browser_s_tokens_are_never_bearer_tokens(owner: Holder, deployment: Deployment) -> None:
    """However a code was come by, without proof it buys nothing (RFC 9449 section 5.2)."""
    ask = Ask(owner.origin)
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": ask.parameters["redirect_uri"],
        "code": owner.code(deployment, ask),
        "code_verifier": ask.verifier,
    }
    assert without_proof(owner, **form) == _NO_PROOF
    for grant_type in ("refresh_token", DEVICE_GRANT, "password", ""):
        assert without_proof(owner, grant_type=grant_type, device_code="x") == _NO_PROOF
    assert redeem(owner.http, ask, form["code"], ask.verifier).status_code == 200


def without_proof(client: Holder, **form: str) -> tuple[int, str]:
    form = {"client_id": "vestibule-web", **form}
    answer = client.http.post("/identity/token", data=form, auth=WITHOUT_PROOF)
    return answer.status_code, answer.json()["error"]


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
