"""Identity providers and the links to their accounts: who of us is whom over there.

A provider's account is known by its subject alone (OpenID Connect Core section 5.7): names and e-mail
addresses change hands. Taking a link away ends what its person is signed in with.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.directory.directory import Directory
from vestibule.directory.endings import end_sign_ins
from vestibule.directory.identity_provider import (
    IdentityProvider,
    provider_settings_as_json,
)
from vestibule.directory.model import Person
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note
from vestibule.store.engine import Store
from vestibule.store.tables import identity_providers, linked_accounts


@dataclass(frozen=True, slots=True)
class Link:
    """One account over there and the person it belongs to."""

    provider: str
    subject: str
    person_id: str


class OutsideAccounts:
    """Providers are read from the directory's memory, links from the store each time."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory

    # --- providers ---

    async def add(self, provider: IdentityProvider) -> None:
        """A new provider. Raises AlreadyThere if its name, or its issuer in that tenant, is."""

        async def write(connection: AsyncConnection) -> None:
            row = {
                "name": provider.name,
                "tenant": provider.tenant,
                "issuer": provider.issuer,
                "client_id": provider.client_id,
                "sealed_secret": provider.sealed_secret,
                "settings": provider_settings_as_json(provider.settings),
            }
            await connection.execute(insert(identity_providers), row)

        taken = f"an identity provider {provider.name} or of {provider.issuer} is there already"
        await self._change_provider(Kind.PROVIDER_ADDED, provider, write, taken)

    async def change(self, provider: IdentityProvider) -> None:
        """Another client, secret or settings; who it is and whose stays."""
        statement = update(identity_providers).where(identity_providers.c.name == provider.name)

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(
                statement.values(
                    client_id=provider.client_id,
                    sealed_secret=provider.sealed_secret,
                    settings=provider_settings_as_json(provider.settings),
                )
            )

        await self._change_provider(Kind.PROVIDER_CHANGED, provider, write)

    async def remove(self, provider: IdentityProvider) -> int:
        """No sign-in by it any more; how many links went with it, and their people's sign-ins."""
        mine = linked_accounts.c.provider == provider.name

        async def write(connection: AsyncConnection) -> None:
            people = await connection.execute(select(linked_accounts.c.person).where(mine))
            for person_id in people.scalars().all():
                await end_sign_ins(connection, person_id, time.time())
            await connection.execute(delete(linked_accounts).where(mine))
            row = identity_providers.c.name == provider.name
            await connection.execute(delete(identity_providers).where(row))

        links = await self.links_of(provider.name)
        note = _of_provider(Kind.PROVIDER_REMOVED, provider)
        await self._directory.change(
            write, lambda memory: memory.forget_identity_provider(provider.name), [note]
        )
        return len(links)

    # --- links ---

    async def person_of(self, provider: IdentityProvider, subject: str) -> Person | None:
        """Whose the account is."""
        query = select(linked_accounts.c.person).where(
            linked_accounts.c.provider == provider.name, linked_accounts.c.subject == subject
        )
        async with self._store.connect() as connection:
            person_id = (await connection.execute(query)).scalar_one_or_none()
        return self._directory.person_by_id(person_id) if person_id else None

    async def links_of(self, provider: str) -> Sequence[Link]:
        """Every link of a provider."""
        query = select(linked_accounts).where(linked_accounts.c.provider == provider)
        async with self._store.connect() as connection:
            rows = await connection.execute(query.order_by("linked_at"))
            return [Link(row.provider, row.subject, row.person) for row in rows]

    async def link(self, provider: IdentityProvider, subject: str, person: Person) -> None:
        """That account is that person's from now on.

        Raises AlreadyThere if either has another; ValueError for a person of another tenant.
        """
        if person.tenant != provider.tenant:
            raise ValueError(f"{person.aor} and {provider.name} belong to different tenants")
        if not subject or len(subject) > 255:
            raise ValueError("a subject has 1 to 255 characters")

        async def write(connection: AsyncConnection) -> None:
            row = {
                "provider": provider.name, "subject": subject, "person": person.id,
                "tenant": person.tenant, "linked_at": time.time(),
            }  # fmt: skip
            await connection.execute(insert(linked_accounts), row)

        taken = f"{person.aor}, or the account at {provider.name}, is linked already"
        notes = [_of_link(Kind.ACCOUNT_LINKED, provider, person)]
        await self._directory.change(write, lambda _: None, notes, taken)

    async def unlink(self, provider: IdentityProvider, person: Person) -> None:
        """Takes the link away and ends the person's sign-ins. Raises ValueError if there is none."""
        if not any(link.person_id == person.id for link in await self.links_of(provider.name)):
            raise ValueError(f"{person.aor} has no account at {provider.name}")

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(
                delete(linked_accounts).where(
                    linked_accounts.c.provider == provider.name,
                    linked_accounts.c.person == person.id,
                )
            )
            await end_sign_ins(connection, person.id, time.time())

        notes = [_of_link(Kind.ACCOUNT_UNLINKED, provider, person)]
        await self._directory.change(write, lambda _: None, notes)

    # --- inside ---

    async def _change_provider(
        self,
        kind: Kind,
        provider: IdentityProvider,
        write: Callable[[AsyncConnection], Awaitable[None]],
        taken: str = "",
    ) -> None:
        await self._directory.change(
            write,
            lambda memory: memory.put_identity_provider(provider),
            [_of_provider(kind, provider)],
            taken,
        )


def _of_provider(kind: Kind, provider: IdentityProvider) -> Note:
    return Note(
        kind,
        tenant=provider.tenant,
        subject=provider.issuer,
        details={Detail.PROVIDER: provider.name},
    )


def _of_link(kind: Kind, provider: IdentityProvider, person: Person) -> Note:
    details = {Detail.PROVIDER: provider.name}
    return Note(kind, tenant=person.tenant, subject=person.aor, details=details)
