"""Whose account is it that somebody came with? By its subject; by e-mail or anew only as the tenant says."""

from typing import Protocol

from vestibule.directory.directory import AlreadyThere
from vestibule.directory.identity_provider import CreateFrom, IdentityProvider
from vestibule.directory.model import BreakGlass, Person, Tenant
from vestibule.directory.names import UnfitName, display_name
from vestibule.identity.external.id_token import ExternalIdentity
from vestibule.identity.external.refusal import ExternalRefused, Reason

FEDERATED = "fed"
"""In a session's methods: somebody else has checked who it is."""


class Directory(Protocol):
    """The directory, as far as it is needed here."""

    def tenant(self, tenant_id: str, /) -> Tenant | None:
        """The tenant of that id."""

    def people_of(self, tenant_id: str, /) -> list[Person]:
        """Everyone of a tenant."""

    async def add_person(
        self, tenant_id: str, user: str, /, *, display_name: str, email: str, domain: str | None,
        source: str,
    ) -> Person:  # fmt: skip
        """A new person."""


class Links(Protocol):
    """Who is linked to whom."""

    async def person_of(self, provider: IdentityProvider, subject: str, /) -> Person | None:
        """Whose the account is."""

    async def link(self, provider: IdentityProvider, subject: str, person: Person, /) -> None:
        """That account is that person's from now on."""


class Accounts:
    """Finds, links or creates the person of an identity."""

    def __init__(self, directory: Directory, links: Links) -> None:
        self._directory = directory
        self._links = links

    async def person_of(self, provider: IdentityProvider, identity: ExternalIdentity) -> Person:
        """The person, who may sign in. Raises ExternalRefused."""
        person = await self._links.person_of(provider, identity.subject)
        if person is None:
            person = await self._newcomer(provider, identity)
        if not person.enabled:
            raise ExternalRefused(Reason.DISABLED)
        return person

    async def _newcomer(self, provider: IdentityProvider, identity: ExternalIdentity) -> Person:
        tenant = self._directory.tenant(provider.tenant)
        if tenant is None:
            raise ExternalRefused(Reason.UNKNOWN)
        person = self._by_email(provider, tenant, identity)
        if person is None:
            person = await self._created(provider, tenant, identity)
        try:
            await self._links.link(provider, identity.subject, person)
        except AlreadyThere as error:  # the person has another account over there
            raise ExternalRefused(Reason.UNKNOWN) from error
        return person

    def _by_email(
        self, provider: IdentityProvider, tenant: Tenant, identity: ExternalIdentity
    ) -> Person | None:
        """The one person with that verified address, in a domain that the tenant lets speak."""
        email = identity.email.lower()
        domain = email.rpartition("@")[2]
        if domain not in provider.settings.link_by_email or domain not in tenant.domains:
            return None
        found = [
            person
            for person in self._directory.people_of(tenant.id)
            if person.email.lower() == email and person.enabled
        ]
        # An account for emergencies depends on nobody else.
        return found[0] if len(found) == 1 and found[0].break_glass is BreakGlass.NO else None

    async def _created(
        self, provider: IdentityProvider, tenant: Tenant, identity: ExternalIdentity
    ) -> Person:
        address = _address(provider.settings.create_from, identity)
        if not address:
            raise ExternalRefused(Reason.UNKNOWN)
        user, _, domain = address.partition("@")
        if domain not in tenant.domains:
            raise ExternalRefused(Reason.ADDRESS)
        try:
            return await self._directory.add_person(
                tenant.id,
                user,
                display_name=_shown(identity.display_name or user),
                email=identity.email,
                domain=domain,
                source="openid",
            )
        except (AlreadyThere, UnfitName) as error:  # never somebody else's account
            raise ExternalRefused(Reason.ADDRESS) from error


def methods_of(provider: IdentityProvider, identity: ExternalIdentity) -> tuple[str, ...]:
    """What the sign-in counts for here: a second factor only if the tenant takes their word for it."""
    settings = provider.settings
    shown = set(settings.mfa_methods) & set(identity.methods)
    if shown or identity.authentication_class in settings.mfa_classes:
        return (FEDERATED, "mfa")
    return (FEDERATED,)


def _address(source: CreateFrom, identity: ExternalIdentity) -> str:
    """The new person's address, in lower case; empty if there is to be none."""
    if source is CreateFrom.EMAIL:
        return identity.email.lower()
    if source is CreateFrom.USER_NAME:
        return identity.user_name.lower()
    return ""


def _shown(name: str) -> str:
    """A display name that fits. Raises UnfitName."""
    return display_name(name[:200])
