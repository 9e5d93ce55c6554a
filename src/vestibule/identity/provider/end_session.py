"""Signing out on a client's wish: OpenID Connect RP-Initiated Logout 1.0."""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oidc.rpinitiated import EndSessionEndpoint
from authlib.oidc.rpinitiated.end_session import EndSessionRequest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from vestibule.identity.provider.messages import OAuthRequest
from vestibule.identity.signing_keys import ALGORITHM, SigningKeys


class SignOutEndpoint(EndSessionEndpoint):
    """Says whether a request to sign out is a client's, and where it leads.

    The session itself is ended by the caller, who holds the browser's cookie.
    """

    def __init__(self, issuer: str, keys: SigningKeys) -> None:
        super().__init__()
        self._issuer = issuer
        self._keys = keys

    def get_server_jwks(self) -> KeySet:
        """The keys that can have signed an ID token of ours."""
        return KeySet(list(self._keys.keys))

    def get_algorithms(self) -> list[str]:
        """One, and never what the token says."""
        return [ALGORITHM]

    def end_session(self, end_session_request: EndSessionRequest) -> None:
        """Nothing here; see the class."""

    def validate_request(self, request: OAuthRequest) -> EndSessionRequest:
        """As Authlib does, and the hint must be an ID token, for it alone shows that a client asks.

        Raises InvalidRequestError.
        """
        asked = super().validate_request(request)
        hint: dict[str, Any] | None = asked.id_token_claims
        if hint is not None and (hint.get("iss") != self._issuer or asked.client is None):
            raise InvalidRequestError("'id_token_hint' is no ID token of this issuer.")
        return asked

    def _validate_id_token_hint(self, id_token_hint: str) -> dict[str, Any]:
        """The claims, if one of our keys signed them; their time may be over (section 2)."""
        try:
            return jwt.decode(
                id_token_hint, self.get_server_jwks(), algorithms=self.get_algorithms()
            ).claims
        except (JoseError, ValueError) as error:
            raise InvalidRequestError("'id_token_hint' is not valid.") from error
