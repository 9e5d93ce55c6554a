"""The provider as others' code sees it: Authlib's client and metadata checks."""

import httpx
import pytest
from authlib.oauth2 import rfc9207
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc import rpinitiated
from authlib.oidc.discovery import OpenIDProviderMetadata

from tests.clients.dpop import with_token
from tests.clients.oidc import challenge_of
from tests.unit.portal.browser import CALLBACK, ORIGIN, SCOPE, Browser
from tests.unit.portal.conftest import Portal


class Metadata(OpenIDProviderMetadata):  # type: ignore[misc]
    """Discovery asks every provider for RS256; ours signs with ES256 only, on purpose."""

    def validate_id_token_signing_alg_values_supported(self) -> None:
        assert self["id_token_signing_alg_values_supported"] == ["ES256"]


async def test_the_metadata_is_complete_and_true(portal: Portal) -> None:
    browser = portal.browser()
    document = (await browser.http.get("/identity/.well-known/openid-configuration")).json()
    other = await browser.http.get("/.well-known/oauth-authorization-server/identity")
    assert other.json() == document
    Metadata(document).validate(
        metadata_classes=[
            rfc9207.AuthorizationServerMetadata,
            rpinitiated.OpenIDProviderMetadata,
        ]
    )
    AuthorizationServerMetadata(document).validate()
    assert document["issuer"] == f"{ORIGIN}/identity"
    for name, url in document.items():
        if name.endswith("_endpoint"):
            answer = await browser.http.get(url)
            assert answer.status_code != 404, name


class Proving(httpx.AsyncBaseTransport):
    """Adds what that client lacks, proofs of the browser's key."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._browser.http.send(request)


@pytest.mark.filterwarnings("ignore:The httpx module is deprecated")
async def test_somebody_else_s_client_gets_through(portal: Portal) -> None:
    # Imported here, for it warns at import.
    from authlib.integrations.httpx_client import AsyncOAuth2Client  # noqa: PLC0415

    browser = portal.browser()
    document = (await browser.http.get("/identity/.well-known/openid-configuration")).json()
    async with AsyncOAuth2Client(
        "vestibule-web",
        token_endpoint_auth_method="none",
        redirect_uri=CALLBACK,
        scope=SCOPE,
        code_challenge_method="S256",
        transport=Proving(browser),
    ) as client:
        verifier = "v" * 64
        url, state = client.create_authorization_url(
            document["authorization_endpoint"], code_verifier=verifier
        )
        assert challenge_of(verifier) in url
        page = await browser.http.get(url)
        back = await browser.submit(page, username="alice", password="alice's password")
        tokens = await client.fetch_token(
            document["token_endpoint"],
            authorization_response=back.headers["location"],
            code_verifier=verifier,
            state=state,
        )
        shown = with_token(tokens["access_token"])  # it knows bearer tokens only
        info = (await browser.http.get(document["userinfo_endpoint"], headers=shown)).json()
        assert info["sub"] == portal.alice.id
        assert info["aor"] == "sip:alice@vestibule.test"
        renewed = await client.refresh_token(document["token_endpoint"])
        assert renewed["refresh_token"] != tokens["refresh_token"]


async def test_userinfo_is_for_openid_only(portal: Portal) -> None:
    browser = portal.browser()
    token = portal.identity.tokens.issue(portal.alice, "vestibule-phone", "profile")
    answer = await browser.http.get(
        "/identity/userinfo", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
