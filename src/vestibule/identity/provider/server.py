"""Authlib's authorization server, wired to our clients, directory, tokens and store.

Authlib is synchronous, the store isn't: what touches the store runs in a worker thread and calls
back into the event loop, so a slow commit never holds up signalling.
"""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import anyio.from_thread
import structlog
from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidGrantError
from authlib.oidc.core.errors import InteractionRequiredError

from vestibule.directory.model import Person
from vestibule.identity.access_gate import AccessGate, told
from vestibule.identity.conditional_access import Outcome
from vestibule.identity.provider.client import SCOPES, PublicClient
from vestibule.identity.provider.device_codes import (
    DeviceCodes,
    Polled,
    TooManyWaiting,
    Waiting,
)
from vestibule.identity.provider.device_grant import DeviceAuthorization, DeviceGrant, NotNow
from vestibule.identity.provider.end_session import SignOutEndpoint
from vestibule.identity.provider.grant_journal import GrantJournal
from vestibule.identity.provider.grants import CodeGrant, IdToken, Pkce, RotatingRefreshGrant
from vestibule.identity.provider.messages import Answer, OAuthRequest
from vestibule.identity.provider.records import (
    Code,
    Grant,
    RefreshToken,
    Replayed,
    SignInRecords,
)
from vestibule.identity.signing_keys import SigningKeys
from vestibule.identity.tokens import LIFETIME, AccessTokens

_log = structlog.get_logger(__name__)


class People(Protocol):
    """The directory, as far as the provider needs it."""

    def person_by_id(self, person_id: str, /) -> Person | None:
        """The person of that id, disabled ones too."""


class Server(AuthorizationServer):
    """The grants of RFC 6749 that OAuth 2.1 keeps, for the clients given."""

    def __init__(
        self,
        issuer: str,
        clients: Sequence[PublicClient],
        *,
        people: People,
        records: SignInRecords,
        device_codes: DeviceCodes,
        tokens: AccessTokens,
        keys: SigningKeys,
        gate: AccessGate,
        clock: Callable[[], float],
        journal: GrantJournal,
    ) -> None:
        super().__init__(scopes_supported=list(SCOPES))
        self._clients = {client.client_id: client for client in clients}
        self._people = people
        self._records = records
        self._device_codes = device_codes
        self._clock = clock
        self._tokens = tokens
        self._journal = journal
        self._gate = gate
        # At DEBUG Authlib writes whole tokens into its log.
        logging.getLogger("authlib").setLevel(logging.INFO)
        self.register_grant(
            CodeGrant, [Pkce(required=True), IdToken(issuer, keys, LIFETIME, clock)]
        )
        self.register_grant(RotatingRefreshGrant)
        self.register_grant(DeviceGrant)
        self.register_endpoint(SignOutEndpoint(issuer, keys))
        self.register_endpoint(DeviceAuthorization(issuer))

    # --- what Authlib asks of a framework ---

    def query_client(self, client_id: str) -> PublicClient | None:
        """The client of that id."""
        return self._clients.get(client_id)

    def create_oauth2_request(self, request: OAuthRequest) -> OAuthRequest:
        """Requests come in the right form already."""
        return request

    def handle_response(self, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> Answer:
        """An answer as a plain value. Redirects are 303: a form's content never travels on."""
        head: Mapping[str, str] = dict(headers)
        if "Location" in head:
            return Answer(303, None, {"Location": head["Location"]})
        return Answer(status, body or None, head)

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens to Authlib's signals."""

    def save_token(self, token: dict[str, Any], request: OAuthRequest) -> None:
        """Keeps the refresh token of an answer before it is sent."""
        if "refresh_token" in token:
            held = request.authorization_code or request.refresh_token or request.credential
            anyio.from_thread.run(
                self._records.add_refresh_token, token["refresh_token"], held.grant, request.key
            )

    # --- what our grants ask ---

    def keep_code(self, code: str, request: OAuthRequest) -> None:
        """Stores a code with all that it is bound to."""
        session = request.session
        if session is None:
            raise RuntimeError("a code is made for a signed-in browser only")
        asked = request.payload.data

        async def keep() -> None:
            await self._records.add_code(
                code,
                session,
                client_id=request.client.client_id,
                scope=request.scope,
                redirect_uri=asked["redirect_uri"],
                nonce=asked.get("nonce"),
                code_challenge=asked["code_challenge"],
                key=asked.get("dpop_jkt", ""),
            )

        anyio.from_thread.run(keep)

    def take_code(self, code: str, client: PublicClient) -> Code | None:
        """Takes a code out of the store; a second taker ends what the first one got."""
        found = anyio.from_thread.run(self._records.take_code, code, client.client_id)
        return None if self._was_replayed(found, "code") else found  # type: ignore[return-value]

    def take_refresh_token(
        self, token: str, request: OAuthRequest, check: Callable[[RefreshToken], None]
    ) -> RefreshToken | None:
        """Takes a refresh token out of the store; a second taker ends the grant.

        Whom `check` or the tenant's conditions refuse keeps the token, for when they are met again;
        and who doesn't hold the grant's key takes nothing away from who does.
        """

        def check_all(grant: Grant) -> None:
            self.check_access(grant, request)
            check(RefreshToken(grant))

        found = anyio.from_thread.run(
            self._records.take_refresh_token, token, request.client.client_id, check_all
        )
        return None if self._was_replayed(found, "refresh_token") else found  # type: ignore[return-value]

    def keep_device_code(self, device_code: str, user_code: str, request: OAuthRequest) -> None:
        """Stores a device's request. Raises NotNow."""
        client = request.client
        scope = client.get_allowed_scope(request.payload.scope)
        address = request.connection.address
        waiting = Waiting(client.client_id, scope, address, self._clock())
        try:
            anyio.from_thread.run(self._device_codes.add, device_code, user_code, waiting)
        except TooManyWaiting as many:
            raise NotNow("Too many devices wait. Try again later.") from many

    def poll_device_code(self, device_code: str, request: OAuthRequest) -> Polled | None:
        """What a device is told; whom the tenant's conditions refuse may ask again."""
        return anyio.from_thread.run(
            self._device_codes.poll,
            device_code,
            request.client.client_id,
            lambda grant: self.check_access(grant, request),
        )

    def check_access(self, grant: Grant, request: OAuthRequest) -> None:
        """Raises OAuth2Error if this very request doesn't show the grant's key or doesn't meet the
        tenant's conditions.
        """
        if grant.key and grant.key != request.key:
            self._journal.key_missing(grant.id, grant.person_id, request.connection.address)
            raise InvalidGrantError("The proof of the key that this is bound to is missing.")
        person = self.person_of(grant)
        if person is None:
            return  # refused for that, a step later
        kind = request.client.kind
        decision = self._gate.decide(person, grant.methods, request.connection, kind, at="token")
        if decision.outcome is Outcome.BLOCK:
            raise InvalidGrantError(told(decision))
        if decision.outcome is Outcome.NEED_MFA:
            raise InteractionRequiredError(told(decision))

    def person_of(self, grant: Grant) -> Person | None:
        """The grant's person, unless gone or disabled."""
        person = self._people.person_by_id(grant.person_id)
        return person if person is not None and person.enabled else None

    def tokens_for(
        self, grant: Grant, person: Person, scope: str, request: OAuthRequest
    ) -> dict[str, Any]:
        """An access token, and a refresh token if the person agreed to `offline_access`.

        Both are bound to the client's key if the request showed one.
        """
        access_token = self._tokens.issue(
            person, grant.client_id, scope, grant=grant.id, key=request.key
        )
        answer: dict[str, Any] = {
            "token_type": "DPoP" if request.key else "Bearer",
            "access_token": access_token,
            "expires_in": LIFETIME,
            "scope": scope,
        }
        if "offline_access" in grant.scope.split():
            answer["refresh_token"] = secrets.token_urlsafe(32)
        return answer

    def _was_replayed(self, found: Code | RefreshToken | Replayed | None, what: str) -> bool:
        if not isinstance(found, Replayed):
            return False
        self._tokens.revoke(found.grant_id)
        self._journal.reused(found.grant_id, found.person_id, what)
        _log.warning("identity.replayed", what=what, grant=found.grant_id)
        return True
