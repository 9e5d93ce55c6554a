"""Signing in elsewhere, as the portal sees it: the way there, the way back, and what is noted of it."""

from collections.abc import Mapping
from typing import Protocol

import structlog

from vestibule.directory.identity_provider import IdentityProvider
from vestibule.directory.model import Tenant
from vestibule.identity.external.accounts import Accounts, methods_of
from vestibule.identity.external.refusal import ExternalRefused
from vestibule.identity.external.relying_party import Begun, RelyingParty
from vestibule.identity.sign_in import SignedIn
from vestibule.identity.sign_in_limits import SignInLimits
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note, Notes

_log = structlog.get_logger(__name__)


class Providers(Protocol):
    """The directory, as far as it knows providers."""

    def identity_provider(self, name: str, /) -> IdentityProvider | None:
        """The provider of that name."""

    def identity_providers(self) -> list[IdentityProvider]:
        """Every tenant's providers."""

    def tenant_of_domain(self, domain: str, /) -> Tenant | None:
        """The tenant whose domain it is."""


class ExternalSignIn:
    """All that the pages need."""

    def __init__(
        self,
        providers: Providers,
        relying_party: RelyingParty,
        accounts: Accounts,
        limits: SignInLimits,
        notes: Notes,
    ) -> None:
        self._providers = providers
        self._relying_party = relying_party
        self._accounts = accounts
        self._limits = limits
        self._notes = notes

    def offered(self, domain: str) -> list[IdentityProvider]:
        """The providers of the tenant whose domain it is: nobody sees another tenant's."""
        tenant = self._providers.tenant_of_domain(domain)
        if tenant is None:
            return []
        return [one for one in self._providers.identity_providers() if one.tenant == tenant.id]

    def provider(self, name: str) -> IdentityProvider | None:
        """The provider of that name."""
        return self._providers.identity_provider(name)

    async def begin(
        self, provider: IdentityProvider, asked: str, address: str, *, anew: bool
    ) -> Begun:
        """The way there. Raises ExternalRefused, TooManyTries."""
        counted = self._limits.admit_unnamed(address)
        try:
            begun = await self._relying_party.begin(provider, asked, anew=anew)
        except ExternalRefused as refused:
            self._note(provider, refused, address)
            raise
        self._limits.succeeded(counted)
        return begun

    def asked_of(self, answer: Mapping[str, str], cookie: str) -> str:
        """What the browser wanted of us before it left."""
        return self._relying_party.asked_of(answer, cookie)

    async def finish(
        self, provider: IdentityProvider, answer: Mapping[str, str], cookie: str, address: str
    ) -> SignedIn:
        """Who is back. Raises ExternalRefused, TooManyTries."""
        counted = self._limits.admit_unnamed(address)
        try:
            identity = await self._relying_party.finish(provider, answer, cookie)
            person = await self._accounts.person_of(provider, identity)
        except ExternalRefused as refused:
            self._note(provider, refused, address)
            raise
        self._limits.succeeded(counted)
        _log.info("identity.external", provider=provider.name, person=person.id, address=address)
        return SignedIn(person, methods_of(provider, identity))

    def _note(self, provider: IdentityProvider, refused: ExternalRefused, address: str) -> None:
        _log.info(
            "identity.external_refused",
            provider=provider.name,
            address=address,
            reason=str(refused),
        )
        self._notes.note(
            Note(
                Kind.SIGN_IN_REFUSED,
                tenant=provider.tenant,
                address=address,
                mechanism="openid",
                details={Detail.PROVIDER: provider.name, Detail.REASON: refused.reason.value},
            )
        )
