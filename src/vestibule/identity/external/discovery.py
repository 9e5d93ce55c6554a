"""What a provider says about itself: its endpoints and its keys (OpenID Connect Discovery 1.0).

Both are kept for an hour. A key that we don't know makes us look again, at most once a minute, so that
a provider may change its keys and nobody can make us hammer it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from vestibule.identity.external.refusal import ExternalRefused, Reason
from vestibule.outbound.fetcher import Fetcher, FetchLimits, FetchRefused
from vestibule.outbound.strict_json import parse

PublicKey = RSAKey | ECKey

IDENTITY_LIMITS = FetchLimits(seconds=5.0, octets=262_144, redirects=0)
"""What one question to a provider may cost: somebody waits in front of a page."""

KEPT_SECONDS = 3600.0
AGAIN_SECONDS = 60.0
_MOST_KEYS = 50
_LEAST_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class Metadata:
    """A provider's endpoints, all https. `names_itself`: it puts `iss` into its answers (RFC 9207)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    names_itself: bool
    secret_in_form: bool
    """Whether it takes a client's secret in the form only (`client_secret_post`)."""


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    since: float


class Discovery:
    """Reads and remembers. `clock` gives Unix seconds."""

    def __init__(self, fetcher: Fetcher, *, clock: Callable[[], float]) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._metadata: dict[str, _Kept] = {}
        self._keys: dict[str, _Kept] = {}

    async def metadata(self, issuer: str) -> Metadata:
        """The provider's own description. Raises ExternalRefused."""
        kept = self._metadata.get(issuer)
        if kept is not None and self._age(kept) < KEPT_SECONDS:
            found: Metadata = kept.value
            return found
        document = await self._document(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        found = _metadata(document, issuer)
        self._metadata[issuer] = _Kept(found, self._clock())
        return found

    async def key(self, metadata: Metadata, kid: str | None, key_type: str) -> PublicKey:
        """The provider's key of that id and type ("RSA", "EC"). Raises ExternalRefused."""
        kept = self._keys.get(metadata.jwks_uri)
        if kept is None or self._age(kept) >= KEPT_SECONDS:
            kept = await self._read_keys(metadata.jwks_uri)
        key = _chosen(kept.value, kid, key_type)
        if key is None and self._age(kept) >= AGAIN_SECONDS:
            key = _chosen((await self._read_keys(metadata.jwks_uri)).value, kid, key_type)
        if key is None:
            raise ExternalRefused(Reason.SIGNATURE, "the provider has no such key")
        return key

    async def keys(self, metadata: Metadata) -> tuple[PublicKey, ...]:
        """All keys that may sign. Raises ExternalRefused."""
        found: tuple[PublicKey, ...] = (await self._read_keys(metadata.jwks_uri)).value
        return found

    async def _read_keys(self, url: str) -> _Kept:
        document = await self._document(url)
        entries = document.get("keys")
        if not isinstance(entries, list) or len(entries) > _MOST_KEYS:
            raise ExternalRefused(Reason.METADATA, "no key set at jwks_uri")
        keys = tuple(key for entry in entries if (key := _public_key(entry)) is not None)
        kept = self._keys[url] = _Kept(keys, self._clock())
        return kept

    async def _document(self, url: str) -> dict[str, Any]:
        try:
            document = parse((await self._fetcher.fetch(url)).decode())
        except FetchRefused as refused:
            raise ExternalRefused(Reason.UNREACHABLE, str(refused)) from refused
        except ValueError as error:
            raise ExternalRefused(Reason.METADATA, "an answer is not JSON") from error
        if not isinstance(document, dict):
            raise ExternalRefused(Reason.METADATA, "an answer is not a JSON object")
        return document

    def _age(self, kept: _Kept) -> float:
        return self._clock() - kept.since


def _metadata(document: dict[str, Any], issuer: str) -> Metadata:
    if document.get("issuer") != issuer:
        raise ExternalRefused(Reason.ISSUER, "the provider calls itself something else")
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Metadata(
        issuer,
        _https(document, "authorization_endpoint"),
        _https(document, "token_endpoint"),
        _https(document, "jwks_uri"),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        secret_in_form=isinstance(methods, list) and "client_secret_basic" not in methods,
    )


def _https(document: dict[str, Any], name: str) -> str:
    url = document.get(name)
    if not isinstance(url, str) or not url.startswith("https://") or "#" in url:
        raise ExternalRefused(Reason.METADATA, f"{name} is not an https URL")
    return url


def _public_key(entry: Any) -> PublicKey | None:
    """A key that may sign; None for one of another kind or use, or one that we can't read."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    if entry.get("kty") not in ("RSA", "EC"):  # a symmetric "key" in public verifies nothing
        return None
    named = {
        name: entry[name] for name in ("kty", "n", "e", "crv", "x", "y", "kid") if name in entry
    }
    try:
        key = JWKRegistry.import_key(named)
        if isinstance(key, RSAKey):
            return key if key.public_key.key_size >= _LEAST_RSA_BITS else None
        return key if isinstance(key, ECKey) else None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _chosen(keys: tuple[PublicKey, ...], kid: str | None, key_type: str) -> PublicKey | None:
    """The key of that id; without an id the only one of its type."""
    fit = [key for key in keys if key.key_type == key_type and kid in (None, key.kid)]
    return fit[0] if len(fit) == 1 else None
