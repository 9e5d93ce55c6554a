"""The provider as the portal sees it: one method for each endpoint."""

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import anyio.to_thread
import structlog
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidRequestError, OAuth2Error
from authlib.oidc.core.errors import InteractionRequiredError, LoginRequiredError

from vestibule.directory.model import Person
from vestibule.identity.access_gate import AccessGate, Connection, Held, Verdict, told
from vestibule.identity.dpop import DpopProofs, DpopRefused
from vestibule.identity.provider.client import PublicClient
from vestibule.identity.provider.device_codes import DeviceCodes
from vestibule.identity.provider.device_grant import NotNow
from vestibule.identity.provider.grant_journal import GrantJournal
from vestibule.identity.provider.grants import user_claims
from vestibule.identity.provider.messages import Answer, OAuthRequest, Parameters
from vestibule.identity.provider.metadata import metadata
from vestibule.identity.provider.records import Grant, Session, SignInRecords
from vestibule.identity.provider.server import People, Server
from vestibule.identity.sign_in_limits import Allowance, TokenBuckets, subnet_of
from vestibule.identity.signing_keys import SigningKeys
from vestibule.identity.tokens import LIFETIME, AccessTokens, Claims
from vestibule.journal.note import Notes

_log = structlog.get_logger(__name__)
_THUMBPRINT = re.compile(r"(?:[A-Za-z0-9_-]{43})?")  # RFC 9449 section 10; none is fine


BEGUN_DEVICES = Allowance(burst=20, interval=6.0)
"""Devices that may begin to sign in from one address."""


class RequestRefused(Exception):
    """The request can't be answered by a redirect, for we don't trust where it would lead.

    `error` is OAuth's code, the message may be shown.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the browser back to the client."""

    location: str


@dataclass(frozen=True, slots=True)
class SignInWanted:
    """Somebody has to sign in first. `login_hint` is the client's guess who, or empty."""

    login_hint: str


@dataclass(frozen=True, slots=True)
class SignOut:
    """A request to sign out.

    `confirmed`: the client proved that it comes from the session; else the person must be asked.
    `location`: where to go afterwards; None to our own page.
    """

    confirmed: bool
    location: str | None
    person_id: str | None


class Provider:
    """OpenID Connect for the clients given.

    `issuer` is the URL under which the portal serves it, `https://HOST/identity`.
    """

    def __init__(
        self,
        issuer: str,
        clients: tuple[PublicClient, ...],
        *,
        people: People,
        records: SignInRecords,
        device_codes: DeviceCodes,
        tokens: AccessTokens,
        keys: SigningKeys,
        gate: AccessGate,
        proofs: DpopProofs,
        clock: Callable[[], float],
        notes: Notes,
    ) -> None:
        self.issuer = issuer
        self._clients = clients
        self._device_codes = device_codes
        self._proofs = proofs
        self._journal = GrantJournal(notes, people)
        self._people = people
        self._records = records
        self._tokens = tokens
        self._keys = keys
        self._gate = gate
        self._clock = clock
        self._begun_devices = TokenBuckets(BEGUN_DEVICES)
        self._server = Server(
            issuer, clients, people=people, records=records, device_codes=device_codes, tokens=tokens,
            keys=keys, gate=gate, clock=clock, journal=self._journal,
        )  # fmt: skip

    # --- documents ---

    def metadata(self) -> dict[str, Any]:
        """The discovery document (OpenID Connect Discovery 1.0, RFC 8414)."""
        return metadata(self.issuer)

    def jwks(self) -> dict[str, Any]:
        """The keys that sign our tokens (RFC 7517)."""
        return self._keys.public()

    # --- sessions ---

    async def begin_session(
        self,
        person: Person,
        methods: tuple[str, ...],
        *,
        address: str,
        auth_time: float | None = None,
        before: Session | None = None,
    ) -> tuple[str, Session]:
        """A signed-in browser: the secret for its cookie, and the session.

        `address` is the browser's. `auth_time`: when the person signed in, if it wasn't now but only
        a factor was added. `before`: the browser's session until now, which ends; another person's
        grants end with it.
        """
        if before is not None and before.person_id != person.id:
            await self.end_session(before)
            before = None
        if auth_time is None:
            self._journal.signed_in(person, methods, address)
        begun = await self._records.begin_session(
            person.id, methods, auth_time=auth_time, instead_of=before
        )
        _log.info("identity.signed_in", person=person.id, methods=list(methods))
        return begun

    async def session(self, secret: str | None) -> Session | None:
        """The session of that cookie, if its person may still sign in."""
        session = await self._records.session(secret) if secret else None
        return session if session and self.person_of(session) else None

    def person_of(self, session: Session) -> Person | None:
        """Who is signed in; None once the account is disabled."""
        person = self._people.person_by_id(session.person_id)
        return person if person is not None and person.enabled else None

    async def end_session(self, session: Session) -> None:
        """Signs the browser out; every token that came from that sign-in is refused from now on."""
        for grant in await self._records.end_session(session):
            self._tokens.revoke(grant)
            self._journal.revoked(grant, session.person_id)
        self._journal.signed_out(session.person_id)
        _log.info("identity.signed_out", person=session.person_id)

    async def heed_endings(self) -> None:
        """Refuse the tokens of sign-ins that another process, or the directory, has ended."""
        lately = self._clock() - LIFETIME
        for grant in await self._records.revoked_since(lately):
            if not self._tokens.is_revoked(grant):
                self._tokens.revoke(grant)

    async def devices_of(self, person: Person) -> list[tuple[str, Grant]]:
        """The devices that the person let in by a code: what each is, and its grant."""
        names = {client.client_id: client.name for client in self._clients}
        grants = await self._device_codes.devices_of(person.id)
        return [(names.get(grant.client_id, grant.client_id), grant) for grant in grants]

    async def end_device(self, person: Person, grant_id: str) -> None:
        """Signs one of the person's devices out; its tokens are refused from now on."""
        if await self._device_codes.end(person.id, grant_id):
            self._tokens.revoke(grant_id)
            self._journal.revoked(grant_id, person.id)

    # --- endpoints ---

    async def authorize(
        self,
        parameters: Parameters,
        session: Session | None,
        connection: Connection,
        *,
        fresh: bool = False,
    ) -> Redirect | SignInWanted | Held:
        """The authorization endpoint (OpenID Connect Core section 3.1.2).

        `fresh`: the person signed in for this very request, so there's no asking again.
        Raises RequestRefused.
        """
        try:
            request = OAuthRequest(
                "GET", f"{self.issuer}/authorize", parameters, None, session, connection
            )
            person = self.person_of(session) if session else None
            grant = self._server.get_consent_grant(request, person)
            _refuse_what_we_would_not_read(request, grant.redirect_uri)
            if not fresh and self._must_ask(request, grant.redirect_uri):
                return SignInWanted(request.payload.data.get("login_hint", "")[:320])
            held = await self._held(request, person, grant.redirect_uri)
            if held is not None:
                return held
        except OAuth2Error as error:
            return self._refusal(error, parameters)
        answer: Answer = await anyio.to_thread.run_sync(
            functools.partial(
                self._server.create_authorization_response,
                request,
                grant_user=person,
                grant=grant,
            )
        )
        if answer.location is None:
            raise RequestRefused("server_error", "The request could not be completed.")
        return self._redirect(answer.location)

    async def token(
        self, parameters: Parameters, connection: Connection, proofs: Sequence[str] = ()
    ) -> Answer:
        """The token endpoint (RFC 6749 section 3.2). `proofs`: the `DPoP` headers (RFC 9449).

        Who must prove a key and doesn't is refused before anything is looked up, so uses nothing up.
        """
        endpoint = f"{self.issuer}/token"
        try:
            key = (
                self._proven_key(proofs, endpoint) if proofs or self._must_prove(parameters) else ""
            )
            request = OAuthRequest("POST", endpoint, parameters, connection=connection, key=key)
        except DpopRefused as refused:
            return self._proof_refused(refused)
        except OAuth2Error as error:
            return self._error(error)
        answer: Answer = await anyio.to_thread.run_sync(self._server.create_token_response, request)
        if not key or answer.status != 200:
            return answer
        return replace(answer, headers={**answer.headers, "DPoP-Nonce": self._proofs.new_nonce()})

    async def device_authorization(self, parameters: Parameters, connection: Connection) -> Answer:
        """The device authorization endpoint (RFC 8628 section 3.1)."""
        subnet, now = subnet_of(connection.address), self._clock()
        wait = self._begun_devices.wait(subnet, now)
        try:
            if wait > 0:
                raise NotNow("Too many devices were begun from your address.")
            endpoint = f"{self.issuer}/device-authorization"
            request = OAuthRequest("POST", endpoint, parameters, connection=connection)
        except OAuth2Error as error:
            answer = self._error(error)
            retry = {"Retry-After": str(int(wait) + 1)} if wait > 0 else {}
            return replace(answer, headers={**answer.headers, **retry})
        self._begun_devices.take(subnet, now)
        begin = functools.partial(
            self._server.create_endpoint_response, "device_authorization", request
        )
        begun: Answer = await anyio.to_thread.run_sync(begin)
        return begun

    async def revoke(self, parameters: Parameters) -> Answer:
        """The revocation endpoint (RFC 7009): the token's whole sign-in is revoked with it."""
        try:
            request = OAuthRequest("POST", f"{self.issuer}/revoke", parameters)
            client = self._server.authenticate_client(request, ["none"], "revocation")
            token = request.form.get("token")
            if not token:
                raise InvalidRequestError("Missing 'token'.")
        except OAuth2Error as error:
            return self._error(error)
        grant = await self._records.revoke_by_refresh_token(token, client.client_id)
        if grant is not None:
            self._tokens.revoke(grant.id)
            self._journal.revoked(grant.id, grant.person_id)
        return Answer(200, {})

    def userinfo(self, claims: Claims) -> dict[str, Any] | None:
        """The userinfo endpoint (Core section 5.3); None if the token isn't for `openid`."""
        person = self._people.person_by_id(claims.person_id)
        if person is None or "openid" not in claims.scope.split():
            return None
        return user_claims(person, claims.scope)

    def sign_out(self, parameters: Parameters) -> SignOut:
        """What a request to the end-session endpoint asks for. Raises RequestRefused."""
        try:
            request = OAuthRequest("GET", f"{self.issuer}/end-session", parameters)
            asked = self._server.validate_endpoint_request("end_session", request)
        except OAuth2Error as error:
            raise RequestRefused(error.error, error.description) from error
        hint: dict[str, Any] = asked.id_token_claims or {}
        return SignOut(not asked.needs_confirmation, asked.redirect_uri, hint.get("sub"))

    # --- inside ---

    def _must_prove(self, parameters: Parameters) -> bool:
        """Whether one of these is the name of a client whose tokens are bound to its key."""
        return any(
            client.dpop_bound_access_tokens and ("client_id", client.client_id) in parameters
            for client in self._clients
        )

    def _proven_key(self, proofs: Sequence[str], endpoint: str) -> str:
        proof = self._proofs.check(proofs, "POST", endpoint)
        self._proofs.spend(proof)
        return proof.key

    def _proof_refused(self, refused: DpopRefused) -> Answer:
        """A client that only lacks a nonce is given one (RFC 9449 section 8)."""
        body = {"error": refused.error, "error_description": f"DPoP proof: {refused}."}
        headers = {"Cache-Control": "no-store"}
        if refused.error == "use_dpop_nonce":
            headers["DPoP-Nonce"] = self._proofs.new_nonce()
        return Answer(400, body, headers)

    def _must_ask(self, request: OAuthRequest, redirect_uri: str) -> bool:
        """Whether the person must sign in (again). Raises what `prompt=none` answers instead."""
        asked, session = request.payload.data, request.session
        prompts = asked.get("prompt", "").split()
        ask = session is None or bool({"login", "select_account"} & set(prompts))
        if "max_age" in asked:
            age = _seconds(asked["max_age"], redirect_uri)
            ask = ask or session is None or self._clock() - session.auth_time > age
        if ask and "none" in prompts:
            raise LoginRequiredError(redirect_uri=redirect_uri, state=asked.get("state"))
        return ask

    async def _held(
        self, request: OAuthRequest, person: Person | None, redirect_uri: str
    ) -> Held | None:
        """What stands between a signed-in person and a code. Raises what `prompt=none` answers."""
        session = request.session
        if session is None or person is None:
            return None  # refused a step later
        kind = request.client.kind
        held = await self._gate.at_sign_in(person, session.methods, request.connection, kind)
        asked = request.payload.data
        if held is None or "none" not in asked.get("prompt", "").split():
            return held
        refuse = AccessDeniedError if held.verdict is Verdict.BLOCK else InteractionRequiredError
        raise refuse(told(held.decision), redirect_uri=redirect_uri)

    def _refusal(self, error: OAuth2Error, parameters: Parameters) -> Redirect:
        if not error.redirect_uri:
            raise RequestRefused(error.error, error.description or "") from error
        error.state = dict(parameters).get("state")
        answer = self._server.handle_error_response(None, error)
        return self._redirect(answer.location)

    def _redirect(self, location: str) -> Redirect:
        """Back to the client with our name, so that it can't mistake us (RFC 9207)."""
        return Redirect(add_params_to_uri(location, [("iss", self.issuer)]))

    def _error(self, error: OAuth2Error) -> Answer:
        answer: Answer = self._server.handle_error_response(None, error)
        return answer


class _NotSupported(OAuth2Error):
    """A way to ask that we don't have (OpenID Connect Core section 3.1.2.6)."""

    def __init__(self, error: str, redirect_uri: str) -> None:
        super().__init__(redirect_uri=redirect_uri)
        self.error = error


def _refuse_what_we_would_not_read(request: OAuthRequest, redirect_uri: str) -> None:
    """What is said in a way that we don't read might differ from what we read: better no answer at all."""
    asked = request.payload.data
    for name in ("request", "request_uri"):
        if name in asked:
            raise _NotSupported(f"{name}_not_supported", redirect_uri)
    if asked.get("response_mode", "query") != "query":
        raise InvalidRequestError("'response_mode' must be query.", redirect_uri=redirect_uri)
    if not _THUMBPRINT.fullmatch(asked.get("dpop_jkt", "")):
        raise InvalidRequestError("'dpop_jkt' is no thumbprint.", redirect_uri=redirect_uri)


def _seconds(text: str, redirect_uri: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidRequestError("'max_age' is not a number.", redirect_uri=redirect_uri)
    return int(text)
