"""Personal tokens: what a person's scripts call the HTTP API with, where the organisation allows it.

A token is random, shown once, kept as a hash, limited in time and to what it was made for. It is looked
up at each call, so revoking it, disabling its person or tightening the policy ends it at once.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.directory.journalled import of_person
from vestibule.directory.model import Person, Tenant
from vestibule.directory.names import display_name
from vestibule.identity.provider.records import Session
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Notes
from vestibule.store.engine import Store
from vestibule.store.secret_hash import hash_of
from vestibule.store.tables import personal_tokens
from vestibule.store.writer import Writer

PREFIX = "vpt_"
"""How each begins, so that people and secret scanners know one when they see it."""

SCOPES = {
    "session:read": "See who you are",
    "meetings:read": "See your meetings and their links",
    "meetings:write": "Make and end meetings",
}
"""What a token can be for; the rest of the API takes none."""

MOST_PER_PERSON = 20
"""Tokens that are good at the same time."""

_DAY = 86_400.0
_MOST_CHARACTERS = 100
_USE_NOTED_EVERY = 60.0  # seconds; not each call is worth a write


class PersonalTokenRefused(Exception):
    """There is no such token to be made; the message may be shown."""


@dataclass(frozen=True, slots=True)
class PersonalToken:
    """A token, without its secret. Times are Unix seconds; `methods` says how its maker had signed in."""

    id: str
    person_id: str
    name: str
    scope: str
    methods: tuple[str, ...]
    created_at: float
    expires_at: float
    last_used_at: float | None


class Tenants(Protocol):
    """The directory, as far as it is needed here."""

    def tenant(self, tenant_id: str, /) -> Tenant | None:
        """The tenant of that id."""


class PersonalTokens:
    """Makes, finds and revokes personal tokens. `clock` gives Unix seconds."""

    def __init__(
        self, store: Store, writer: Writer, tenants: Tenants, *, clock: Callable[[], float], notes: Notes
    ) -> None:  # fmt: skip
        self._store = store
        self._writer = writer
        self._tenants = tenants
        self._clock = clock
        self._notes = notes

    def most_days(self, person: Person) -> int:
        """How long the person's tokens may live; 0 if there may be none."""
        tenant = self._tenants.tenant(person.tenant)
        return tenant.policy.personal_token_days if tenant else 0

    async def create(
        self, person: Person, session: Session, name: str, scopes: Sequence[str], days: int
    ) -> str:
        """A new token, to be shown once. Raises PersonalTokenRefused, UnfitName, JournalFull."""
        most = self.most_days(person)
        if most == 0:
            raise PersonalTokenRefused("Your organisation doesn't allow personal tokens.")
        if not 1 <= days <= most:
            raise PersonalTokenRefused(f"A token lives 1 to {most} days.")
        if not scopes or not set(scopes) <= set(SCOPES):
            raise PersonalTokenRefused("Choose what the token is for.")
        secret, now = f"{PREFIX}{secrets.token_urlsafe(32)}", self._clock()
        row = {
            "id": str(uuid4()),
            "person": person.id,
            "name": display_name(name)[:60],
            "token_hash": hash_of(secret),
            "scope": " ".join(scope for scope in SCOPES if scope in scopes),
            "methods": " ".join(session.methods),
            "created_at": now,
            "expires_at": now + days * _DAY,
        }

        async def write(connection: AsyncConnection) -> None:
            count = select(func.count()).select_from(personal_tokens).where(*self._good(person.id))
            if (await connection.execute(count)).scalar_one() >= MOST_PER_PERSON:
                raise PersonalTokenRefused(
                    "You have as many tokens as one can have. Revoke one first."
                )
            # Before it takes effect: with a full journal nothing is given.
            self._note(Kind.PERSONAL_TOKEN_CREATED, person, str(row["id"]), by_person=True)
            await connection.execute(insert(personal_tokens).values(**row))

        await self._writer.submit(write)
        return secret

    async def list_of(self, person: Person) -> list[PersonalToken]:
        """The person's good tokens, newest first."""
        query = (
            select(personal_tokens)
            .where(*self._good(person.id))
            .order_by(personal_tokens.c.created_at.desc())
        )
        async with self._store.connect() as connection:
            return [_token(row) for row in await connection.execute(query)]

    async def revoke(self, person: Person, token_id: str, *, by_person: bool = True) -> bool:
        """Ends one of the person's tokens; whether there was one."""
        table = personal_tokens
        statement = (
            update(table)
            .where(table.c.id == token_id, *self._good(person.id))
            .values(revoked_at=self._clock())
            .returning(table.c.id)
        )

        async def write(connection: AsyncConnection) -> bool:
            return (await connection.execute(statement)).scalar() is not None

        revoked = await self._writer.submit(write)
        if revoked:
            self._note(Kind.PERSONAL_TOKEN_REVOKED, person, token_id, by_person=by_person)
        return revoked

    async def find(self, text: str) -> PersonalToken | None:
        """The token, if it is known and neither revoked nor past its end."""
        if len(text) > _MOST_CHARACTERS:
            return None
        table = personal_tokens
        query = select(table).where(
            table.c.token_hash == hash_of(text),
            table.c.revoked_at.is_(None),
            table.c.expires_at > self._clock(),
        )
        async with self._store.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return _token(row) if row else None

    def is_allowed(self, token: PersonalToken, person: Person) -> bool:
        """Whether its organisation's policy, as it is now, would let it live still."""
        return self._clock() < token.created_at + self.most_days(person) * _DAY

    async def used(self, token: PersonalToken) -> None:
        """Notes for its owner that the token is in use."""
        now = self._clock()
        if token.last_used_at is not None and now - token.last_used_at < _USE_NOTED_EVERY:
            return
        table = personal_tokens
        statement = update(table).where(table.c.id == token.id).values(last_used_at=now)
        await self._writer.submit(lambda connection: connection.execute(statement))

    def _good(self, person_id: str) -> tuple[ColumnElement[bool], ...]:
        table = personal_tokens
        return (
            table.c.person == person_id,
            table.c.revoked_at.is_(None),
            table.c.expires_at > self._clock(),
        )

    def _note(self, kind: Kind, person: Person, token_id: str, *, by_person: bool) -> None:
        details = {Detail.GRANT: token_id}
        self._notes.note(of_person(kind, person, by_themselves=by_person, details=details))


def _token(row: Row[tuple[object, ...]]) -> PersonalToken:
    return PersonalToken(
        id=row.id,
        person_id=row.person,
        name=row.name,
        scope=row.scope,
        methods=tuple(row.methods.split()),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
