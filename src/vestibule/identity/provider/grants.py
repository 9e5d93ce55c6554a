"""The two ways to a token: a code with its PKCE verifier, and a refresh token.

Both are taken out of the store in one step before anything is made from them, so that two requests
with the same one can't both win.
"""

from collections.abc import Callable
from typing import Any, Protocol

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode

from vestibule.directory.model import Person
from vestibule.identity.provider.client import PublicClient
from vestibule.identity.provider.messages import OAuthRequest
from vestibule.identity.provider.records import Code, Grant, RefreshToken
from vestibule.identity.signing_keys import ALGORITHM, SigningKeys


class Backing(Protocol):
    """What the grants need of the server; called from Authlib's worker thread."""

    def keep_code(self, code: str, request: OAuthRequest) -> None:
        """Stores a code."""

    def take_code(self, code: str, client: PublicClient) -> Code | None:
        """Takes a code out of the store."""

    def take_refresh_token(
        self, token: str, request: OAuthRequest, check: Callable[[RefreshToken], None]
    ) -> RefreshToken | None:
        """Takes a refresh token out of the store, unless it is refused for anything but itself."""

    def check_access(self, grant: Grant, request: OAuthRequest) -> None:
        """Raises OAuth2Error if the grant's key isn't shown or the tenant's conditions aren't met."""

    def person_of(self, grant: Grant) -> Person | None:
        """The grant's person, unless gone or disabled."""

    def tokens_for(
        self, grant: Grant, person: Person, scope: str, request: OAuthRequest
    ) -> dict[str, Any]:
        """The token answer."""


class CodeGrant(AuthorizationCodeGrant):
    """RFC 6749 section 4.1 as narrowed by OAuth 2.1."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)
    server: Backing
    request: OAuthRequest

    def save_authorization_code(self, code: str, request: OAuthRequest) -> None:
        """Stores the code for its minute."""
        self.server.keep_code(code, request)

    def query_authorization_code(self, code: str, client: PublicClient) -> Code | None:
        """Takes the code; from here on it is used, even if the verifier turns out wrong."""
        return self.server.take_code(code, client)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Nothing left to do: `query_authorization_code` took it."""

    def authenticate_user(self, authorization_code: Code) -> Person | None:
        """Whose code it is."""
        self.server.check_access(authorization_code.grant, self.request)
        return self.server.person_of(authorization_code.grant)

    def generate_token(self, user: Person, scope: str, **_: object) -> dict[str, Any]:
        """The answer's tokens."""
        grant = self.request.authorization_code.grant
        return self.server.tokens_for(grant, user, scope, self.request)


class RotatingRefreshGrant(RefreshTokenGrant):
    """RFC 6749 section 6 with the rotation of RFC 9700 section 4.14."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)
    INCLUDE_NEW_REFRESH_TOKEN = True
    server: Backing
    request: OAuthRequest

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        """Takes the token; a second use of one has revoked its whole grant.

        What is asked for in vain, such as a wider scope, doesn't use it up.
        """
        return self.server.take_refresh_token(
            refresh_token, self.request, self._validate_token_scope
        )

    def authenticate_user(self, refresh_token: RefreshToken) -> Person:
        """Whose token it is."""
        person = self.server.person_of(refresh_token.grant)
        if person is None:
            raise InvalidGrantError
        return person

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        """Nothing left to do: `authenticate_refresh_token` took it."""

    def generate_token(self, user: Person, scope: str, **_: object) -> dict[str, Any]:
        """The answer's tokens."""
        grant = self.request.refresh_token.grant
        return self.server.tokens_for(grant, user, scope, self.request)


class Pkce(CodeChallenge):
    """RFC 7636, always, and S256 only: `plain` shows the verifier to whoever sees the request."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)
    CODE_CHALLENGE_METHODS = {"S256": CodeChallenge.CODE_CHALLENGE_METHODS["S256"]}  # noqa: RUF012

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        """Refuses a request without a challenge at once, not only when the code is used."""
        asked = grant.request.payload.data
        if not asked.get("code_challenge"):
            raise InvalidRequestError("Missing 'code_challenge'.")
        if asked.get("code_challenge_method") != "S256":
            raise InvalidRequestError("'code_challenge_method' must be S256.")
        super().validate_code_challenge(grant, redirect_uri)


class IdToken(OpenIDCode):
    """OpenID Connect Core section 3.1.3.7: the ID token beside the access token."""

    def __init__(
        self, issuer: str, keys: SigningKeys, lifetime: int, clock: Callable[[], float]
    ) -> None:
        super().__init__(require_nonce=False)
        self._clock = clock
        self._issuer = issuer
        self._keys = keys
        self._lifetime = lifetime

    def exists_nonce(self, nonce: str, request: OAuthRequest) -> bool:
        """Replay is stopped by the code, which works once; the nonce is the client's check."""
        return False

    def resolve_client_private_key(self, client: PublicClient) -> Any:
        """The key that signs."""
        return self._keys.signing

    def get_encode_header(self, client: PublicClient) -> dict[str, Any]:
        """The ID token's head."""
        return {"alg": ALGORITHM, "kid": self._keys.signing.kid}

    def get_client_claims(self, client: PublicClient) -> dict[str, Any]:
        """Issuer, audience and times; Authlib adds what the code knows."""
        now = int(self._clock())
        return {
            "iss": self._issuer,
            "aud": client.client_id,
            "iat": now,
            "exp": now + self._lifetime,
        }

    def generate_user_info(self, user: Person, scope: str) -> dict[str, Any]:
        """What the scope lets the client know about the person."""
        return user_claims(user, scope)


def user_claims(person: Person, scope: str) -> dict[str, Any]:
    """The claims of OpenID Connect Core section 5.1 that we have and the scope allows."""
    claims: dict[str, Any] = {"sub": person.id}
    if "profile" in scope.split():
        claims |= {
            "name": person.display_name,
            "preferred_username": f"{person.user}@{person.domain}",
            "aor": person.aor,
        }
    return claims
