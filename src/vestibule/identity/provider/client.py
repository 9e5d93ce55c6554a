"""The clients that may ask for tokens: public ones, which keep no secret and show PKCE instead."""

from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin

from vestibule.directory.conditional_access import ClientKind

WEB_CLIENT_ID = "vestibule-web"
_BY_CODE = ("authorization_code", "refresh_token")
_BY_DEVICE = ("urn:ietf:params:oauth:grant-type:device_code", "refresh_token")
SCOPES = ("openid", "profile", "offline_access")


@dataclass(frozen=True, slots=True)
class PublicClient(ClientMixin):
    """A client without a secret. URIs match whole or not at all (RFC 9700 section 2.1).

    `name` is what people are told when they are asked about it; `dpop_bound_access_tokens`, whether it
    gets tokens only with a proof of its key (RFC 9449 section 5.2).
    """

    client_id: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    kind: ClientKind = ClientKind.WEB
    grant_types: tuple[str, ...] = _BY_CODE
    name: str = "The web client"
    dpop_bound_access_tokens: bool = False

    @property
    def client_metadata(self) -> dict[str, Any]:
        """What Authlib asks by the names of RFC 7591."""
        return {"post_logout_redirect_uris": list(self.post_logout_redirect_uris)}

    @property
    def id_token_signed_response_alg(self) -> str:
        """ID tokens are signed as all our tokens are."""
        return "ES256"

    def get_client_id(self) -> str:
        """The client's id."""
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """None: each request says where to go back to."""

    def get_allowed_scope(self, scope: str | None) -> str:
        """The scopes asked for that exist; the server has refused unknown ones before."""
        return " ".join(name for name in SCOPES if name in (scope or "").split())

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether the URI is one of the client's, character by character."""
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """No secret is right, for there is none."""
        return False

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """A public client names itself and no more."""
        return method == "none"

    def check_response_type(self, response_type: str) -> bool:
        """Only codes: no token ever passes through an address bar."""
        return response_type == "code" and "authorization_code" in self.grant_types

    def check_grant_type(self, grant_type: str) -> bool:
        """The ways to a token that are this client's."""
        return grant_type in self.grant_types


def web_client(origin: str) -> PublicClient:
    """The browser client that is served from `origin`, such as `https://uc.example.org`."""
    return PublicClient(
        client_id=WEB_CLIENT_ID,
        redirect_uris=(f"{origin}/app/callback", f"{origin}/app/silent"),
        post_logout_redirect_uris=(f"{origin}/", f"{origin}/app", f"{origin}/app/signed-out"),
        dpop_bound_access_tokens=True,
    )


def device_clients() -> tuple[PublicClient, ...]:
    """Clients that can't show a sign-in page (RFC 8628): command lines, and phones with a display.

    They may prove a key but need not: SIP has no place for such proof, so phones come as bearers (RFC 8898).
    """
    return (
        PublicClient("vestibule-cli", (), (), ClientKind.CLI, _BY_DEVICE, "A command line"),
        PublicClient("vestibule-phone", (), (), ClientKind.PHONE, _BY_DEVICE, "A phone"),
    )
