"""Independent OpenID clients against the provider over TLS: `openid-client` (Node) and Authlib's client.

Authlib is also what the provider is made with, so what it says about itself counts for less; openid-client
shares nothing with us, is certified, and knows DPoP.
"""

import json
import secrets
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from tests import module_deployment
from tests.clients.deployment import Deployment
from tests.clients.dpop import KeyHolder, with_token
from tests.clients.https import HostTransport
from tests.clients.namespaces import Host, Network
from tests.clients.oidc import DEVICE_GRANT, DEVICE_PAGE, decide, hidden_fields

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Authlib prefers httpx2, which isn't among our packages
    from authlib.integrations.httpx_client import OAuth2Client

_FOLDER = Path(__file__).parents[1] / "clients" / "openid-client"
_SCOPE = "openid profile offline_access"


network = module_deployment.network


@pytest.fixture(scope="module")
def deployment(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A demo whose policy lets devices sign in, which isn't the default."""
    folder = tmp_path_factory.mktemp("openid") / "demo"
    with Deployment(network.server, folder) as deployment:
        deployment.vestibule("policy", "set", "--device-sign-in")
        yield deployment


@pytest.fixture(scope="module")
def host(network: Network) -> Host:
    return network.add_host()


class Person:
    """Alice at her browser."""

    def __init__(self, host: Host, deployment: Deployment) -> None:
        transport = HostTransport(host, deployment.authority)
        self.http = httpx.Client(transport=transport, base_url=deployment.origin)
        self._deployment = deployment

    def _sign_in(self, page: httpx.Response) -> httpx.Response:
        typed = {"username": "alice", "password": self._deployment.user("alice").password}
        return self.http.post("/identity/sign-in", data={**hidden_fields(page.text), **typed})

    def follow(self, url: str) -> str:
        """Goes where a client sends her, signs in if asked; where she is sent back to."""
        answer = self.http.get(url)
        answer = self._sign_in(answer) if answer.status_code == 200 else answer
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def decide(self, code: str, decision: str) -> None:
        """Types a device's code and says yes or no."""
        decide(self.http, self._deployment, code, say=decision)


@pytest.fixture
def person(network: Network, deployment: Deployment) -> Iterator[Person]:
    person = Person(network.add_host(), deployment)
    with person.http:
        yield person


# --- openid-client ---


class OpenIdClient:
    """Runs `client.mjs` on a host."""

    def __init__(self, host: Host, deployment: Deployment, file: Path) -> None:
        self._host, self._deployment, self._file = host, deployment, str(file)

    def __call__(self, step: str, *arguments: str) -> dict[str, Any]:
        node = shutil.which("node")
        assert node and (_FOLDER / "node_modules").is_dir(), "`make interop` installs it"
        trust = f"NODE_EXTRA_CA_CERTS={self._deployment.authority}"
        script = str(_FOLDER / "client.mjs")
        done = self._host.run(["env", trust, node, script, step, self._file, *arguments])
        assert done.returncode == 0, done.stdout + done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        return said


@pytest.fixture
def openid_client(host: Host, deployment: Deployment, tmp_path: Path) -> OpenIdClient:
    return OpenIdClient(host, deployment, tmp_path / "state.json")


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])
def test_openid_client_by_code_with_dpop(
    openid_client: OpenIdClient, person: Person, deployment: Deployment, algorithm: str
) -> None:
    origin = deployment.origin
    begun = openid_client("begin", f"{origin}/identity", f"{origin}/app/callback", algorithm)
    done = openid_client("finish", person.follow(begun["url"]))
    assert done["amr"] == ["pwd"]
    assert done["person"]["aor"] == deployment.user("alice").sip
    assert done["used"]["token_type"].lower() == done["second"].lower() == "dpop"
    assert done["used"]["session"]["person"]["aor"] == deployment.user("alice").sip
    assert done["used"]["as_bearer"] == done["used"]["with_another_key"] == "invalid_token"
    assert done["refused"] == {
        "stolen": "invalid_grant",
        "wider": "invalid_scope",
        "reused": "invalid_grant",
        "family": "invalid_grant",
    }


def test_openid_client_on_a_device(
    openid_client: OpenIdClient, person: Person, deployment: Deployment
) -> None:
    shown = openid_client("device", f"{deployment.origin}/identity", "ES256")
    assert shown["verification_uri"] == f"{deployment.origin}{DEVICE_PAGE}"
    person.decide(shown["user_code"], "allow")
    done = openid_client("poll")
    assert done["used"]["session"]["person"]["aor"] == deployment.user("alice").sip
    assert done["used"]["as_bearer"] == done["used"]["with_another_key"] == "invalid_token"
    assert done["after"] == "invalid_token"


def test_openid_client_on_a_device_that_isn_t_let_in(
    openid_client: OpenIdClient, person: Person, deployment: Deployment
) -> None:
    shown = openid_client("device", f"{deployment.origin}/identity", "ES256")
    person.decide(shown["user_code"], "deny")
    assert openid_client("poll") == {"error": "access_denied"}


# --- Authlib ---


class Proving(httpx.BaseTransport):
    """What Authlib lacks: below its client, proofs of a key are added to what it sends."""

    def __init__(self, below: httpx.BaseTransport) -> None:
        self._client = httpx.Client(transport=below, auth=KeyHolder())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._client.send(request)


class AuthlibClient:
    """Authlib's client, led by the provider's discovery document."""

    def __init__(
        self, client_id: str, deployment: Deployment, transport: httpx.BaseTransport
    ) -> None:
        self.origin = deployment.origin
        self.oauth = OAuth2Client(
            client_id,
            token_endpoint_auth_method="none",
            scope=_SCOPE,
            redirect_uri=f"{deployment.origin}/app/callback",
            code_challenge_method="S256",
            transport=transport,
        )
        url = f"{deployment.origin}/identity/.well-known/openid-configuration"
        self.metadata = self.get(url)

    def get(self, url: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.oauth.request("GET", url, withhold_token=True).json()
        return answer

    def endpoint(self, name: str) -> str:
        return str(self.metadata[f"{name}_endpoint"])

    def userinfo(self) -> httpx.Response:
        """With the last token, in the way of bound ones, which Authlib doesn't know."""
        shown = with_token(self.oauth.token["access_token"])
        answer: httpx.Response = self.oauth.request(
            "GET", self.endpoint("userinfo"), withhold_token=True, headers=shown
        )
        return answer

    def refused(self, **form: str) -> str:
        """The error of a request to the token endpoint that must not work."""
        with pytest.raises(OAuthError) as refused:
            self.oauth.fetch_token(self.endpoint("token"), **form)
        return str(refused.value.error)

    def refresh_refused(self, token: str) -> str:
        with pytest.raises(OAuthError) as refused:
            self.oauth.refresh_token(self.endpoint("token"), token)
        return str(refused.value.error)


@pytest.fixture
def authlib(host: Host, deployment: Deployment) -> AuthlibClient:
    transport = Proving(HostTransport(host, deployment.authority))
    return AuthlibClient("vestibule-web", deployment, transport)


def bought(client: AuthlibClient, person: Person) -> tuple[dict[str, Any], str, str]:
    """Tokens by code and PKCE; the nonce, and the address that brought the code."""
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    url, state = client.oauth.create_authorization_url(
        client.endpoint("authorization"), code_verifier=verifier, nonce=nonce
    )
    back = person.follow(url)
    assert parse_qs(urlsplit(back).query)["iss"] == [client.metadata["issuer"]]
    tokens: dict[str, Any] = client.oauth.fetch_token(
        client.endpoint("token"), authorization_response=back, code_verifier=verifier, state=state
    )
    return tokens, nonce, back


def test_authlib_by_code(authlib: AuthlibClient, person: Person, deployment: Deployment) -> None:
    tokens, nonce, back = bought(authlib, person)
    keys = KeySet.import_key_set(authlib.get(authlib.metadata["jwks_uri"]))  # type: ignore[arg-type]
    token = jwt.decode(tokens["id_token"], keys, algorithms=["ES256"])
    claims = CodeIDToken(
        token.claims, token.header,
        options={"iss": {"value": authlib.metadata["issuer"]}, "aud": {"value": "vestibule-web"}},
        params={"nonce": nonce, "client_id": "vestibule-web", "access_token": tokens["access_token"]},
    )  # fmt: skip
    claims.validate()
    person_info = authlib.userinfo().json()
    assert person_info["sub"] == claims["sub"]
    assert person_info["aor"] == deployment.user("alice").sip
    code = parse_qs(urlsplit(back).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": "x" * 43}
    assert authlib.refused(**form) == "invalid_grant"  # and with it all that the code has bought
    assert authlib.refresh_refused(tokens["refresh_token"]) == "invalid_grant"


def test_authlib_refreshes_and_revokes(authlib: AuthlibClient, person: Person) -> None:
    first, _, _ = bought(authlib, person)
    second = authlib.oauth.refresh_token(authlib.endpoint("token"), first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    assert authlib.userinfo().status_code == 200
    assert authlib.refresh_refused(first["refresh_token"]) == "invalid_grant"
    assert authlib.refresh_refused(second["refresh_token"]) == "invalid_grant"
    third, _, _ = bought(authlib, person)
    ended = authlib.oauth.revoke_token(authlib.endpoint("revocation"), third["refresh_token"])
    assert ended.status_code == 200
    assert authlib.userinfo().status_code == 401
    assert authlib.refresh_refused(third["refresh_token"]) == "invalid_grant"


def test_authlib_without_pkce_is_sent_back(authlib: AuthlibClient, person: Person) -> None:
    bought(authlib, person)
    url, state = authlib.oauth.create_authorization_url(authlib.endpoint("authorization"))
    back = parse_qs(urlsplit(person.follow(url)).query)
    assert (back["error"], back["state"]) == (["invalid_request"], [state])
    assert "code" not in back


@pytest.mark.parametrize(("decision", "error"), [("allow", None), ("deny", "access_denied")])
def test_authlib_on_a_device(
    host: Host, deployment: Deployment, person: Person, decision: str, error: str | None
) -> None:
    transport = HostTransport(host, deployment.authority)
    client = AuthlibClient("vestibule-phone", deployment, transport)
    endpoint = client.endpoint("device_authorization")
    form = {"client_id": "vestibule-phone", "scope": _SCOPE}
    begun = client.oauth.request("POST", endpoint, data=form, withhold_token=True).json()
    asking = {"grant_type": DEVICE_GRANT, "device_code": begun["device_code"]}
    assert client.refused(**asking) == "authorization_pending"
    assert client.refused(**asking) == "slow_down"
    person.decide(begun["user_code"], decision)
    if error is not None:
        assert client.refused(**asking) == error
        return
    client.oauth.fetch_token(client.endpoint("token"), **asking)
    found = client.oauth.get(client.endpoint("userinfo")).json()
    assert found["aor"] == deployment.user("alice").sip
    assert client.refused(**asking) == "invalid_grant"
