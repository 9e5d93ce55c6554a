"""The way to another provider and back: code, PKCE, state, nonce (RFC 9700, OpenID Connect Core).

What belongs to a way is sealed into a cookie of the browser that goes it, and only the `state` in the
address that it comes back to opens that cookie: neither is good in another browser, nor twice. Each provider has
a redirect URI of its own and, where it names itself, must be named in the answer (RFC 9207): no provider
can pass for another.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote_plus, urlencode, urlsplit

from vestibule.directory.identity_provider import IdentityProvider
from vestibule.identity.external.discovery import Discovery, Metadata
from vestibule.identity.external.id_token import Expected, ExternalIdentity, verified
from vestibule.identity.external.refusal import ExternalRefused, Reason
from vestibule.identity.sealing import Sealing
from vestibule.identity.tickets import Purpose, Ticket, Tickets
from vestibule.outbound.exchange import Answer
from vestibule.outbound.fetcher import Fetcher, FetchRefused
from vestibule.outbound.strict_json import parse

SCOPE = "openid profile email"
_SEALED_FOR = "client secret"
_MOST_CODE = 4096


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the browser, and the cookie to give it."""

    location: str
    cookie: str


class RelyingParty:
    """We, as providers see us. `origin` is our own."""

    def __init__(
        self,
        origin: str,
        fetcher: Fetcher,
        tickets: Tickets,
        sealing: Sealing,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._origin = origin
        self._fetcher = fetcher
        self._tickets = tickets
        self._sealing = sealing
        self._clock = clock
        self.discovery = Discovery(fetcher, clock=clock)

    def redirect_uri(self, name: str) -> str:
        """Where the provider of that name sends people back to."""
        return redirect_uri(self._origin, name)

    async def begin(self, provider: IdentityProvider, asked: str, *, anew: bool) -> Begun:
        """The way there. `anew`: an old sign-in over there won't do. Raises ExternalRefused."""
        metadata = await self.discovery.metadata(provider.issuer)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        said = {
            "provider": provider.name,
            "nonce": nonce,
            "verifier": verifier,
            "asked": asked,
            "since": self._clock() if anew else None,
        }
        ticket = self._tickets.issue(Purpose.EXTERNAL_SIGN_IN, state, content=json.dumps(said))
        query = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": self.redirect_uri(provider.name),
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if anew else {}),
        }
        return Begun(_with_query(metadata.authorization_endpoint, query), ticket.text)

    async def finish(
        self, provider: IdentityProvider, answer: Mapping[str, str], cookie: str
    ) -> ExternalIdentity:
        """Who came back with that answer and cookie. Raises ExternalRefused."""
        ticket = self._tickets.read(Purpose.EXTERNAL_SIGN_IN, answer.get("state", ""), cookie)
        if ticket is None:
            raise ExternalRefused(Reason.STATE)
        said = json.loads(ticket.content)
        if said["provider"] != provider.name or not await self._tickets.spend(ticket):
            raise ExternalRefused(Reason.STATE)
        metadata = await self.discovery.metadata(provider.issuer)
        if "iss" in answer or metadata.names_itself:
            _check_named(answer, metadata)
        if "error" in answer:
            raise ExternalRefused(Reason.DENIED)
        token = await self._redeem(provider, metadata, answer.get("code", ""), said["verifier"])
        expected = Expected(provider.client_id, said["nonce"], self._clock(), said["since"])
        return await verified(token, metadata, self.discovery, expected)

    def asked_of(self, answer: Mapping[str, str], cookie: str) -> str:
        """What the browser wanted of us before it left; empty if this isn't its way back."""
        ticket: Ticket | None = self._tickets.read(
            Purpose.EXTERNAL_SIGN_IN, answer.get("state", ""), cookie
        )
        asked: str = json.loads(ticket.content)["asked"] if ticket else ""
        return asked

    async def _redeem(
        self, provider: IdentityProvider, metadata: Metadata, code: str, verifier: str
    ) -> str:
        """The ID token for a code. Raises ExternalRefused."""
        if not code or len(code) > _MOST_CODE:
            raise ExternalRefused(Reason.CODE)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri(provider.name),
            "code_verifier": verifier,
        }
        authorization, further = self._proof(provider, metadata)
        try:
            answer = await self._fetcher.post_form(
                metadata.token_endpoint, {**form, **further}, authorization=authorization
            )
        except FetchRefused as refused:
            raise ExternalRefused(Reason.UNREACHABLE, str(refused)) from refused
        return _id_token(answer)

    def _proof(
        self, provider: IdentityProvider, metadata: Metadata
    ) -> tuple[str | None, dict[str, str]]:
        """How we show who we are: an Authorization header, and further fields of the form."""
        named = {"client_id": provider.client_id}
        if provider.sealed_secret is None:
            return None, named
        secret = unsealed_secret(self._sealing, provider)
        if metadata.secret_in_form:
            return None, {**named, "client_secret": secret}
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}"  # RFC 6749 section 2.3.1
        return f"Basic {base64.b64encode(pair.encode()).decode()}", {}


def redirect_uri(origin: str, name: str) -> str:
    """Where the provider of that name sends people back to; an admin registers it over there."""
    return f"{origin}/identity/external/{name}/callback"


def sealed_secret(sealing: Sealing, name: str, secret: str) -> str:
    """A client secret as it is stored."""
    return sealing.seal(_SEALED_FOR, secret.encode(), name)


def unsealed_secret(sealing: Sealing, provider: IdentityProvider) -> str:
    """A provider's client secret. Raises ExternalRefused if it was sealed with another key."""
    opened = sealing.open(_SEALED_FOR, provider.sealed_secret or "", provider.name)
    if opened is None:
        raise ExternalRefused(Reason.CODE, "the client secret can't be read: set it anew")
    return opened.decode()


def _check_named(answer: Mapping[str, str], metadata: Metadata) -> None:
    if answer.get("iss") != metadata.issuer:
        raise ExternalRefused(Reason.ISSUER)


def _id_token(answer: Answer) -> str:
    if answer.status != 200:
        raise ExternalRefused(Reason.CODE)
    try:
        document = parse(answer.body.decode())
    except ValueError as error:
        raise ExternalRefused(Reason.TOKEN) from error
    token = document.get("id_token") if isinstance(document, dict) else None
    if not isinstance(token, str):
        raise ExternalRefused(Reason.TOKEN)
    return token


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _with_query(url: str, query: Mapping[str, str]) -> str:
    separator = "&" if urlsplit(url).query else "?"
    return f"{url}{separator}{urlencode(query)}"
