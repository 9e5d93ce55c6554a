"""Where device authorizations are kept (RFC 8628): what a device without a browser waits for.

Of the device's code the hash is kept. The short code that people type could be found from a hash, so
that one is marked with the server's key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.identity.provider.records import GRANT_SECONDS, Grant, Session, grant_from
from vestibule.identity.sealing import Sealing
from vestibule.store.engine import Store
from vestibule.store.secret_hash import hash_of
from vestibule.store.tables import device_authorizations, grants
from vestibule.store.writer import Writer

DEVICE_CODE_SECONDS = 600
"""How long a device waits for somebody to type its code."""

INTERVAL_SECONDS = 5
"""How long a device must wait between two questions; after each that comes too soon, as much longer."""

MOST_WAITING = 10_000
"""Devices that wait at the same time; more are refused."""

_MARKED_FOR = "device user code"


class State(StrEnum):
    """What has become of a device's request."""

    WAITING = "waiting"
    TOO_SOON = "too-soon"
    EXPIRED = "expired"
    DENIED = "denied"
    APPROVED = "approved"


class TooManyWaiting(Exception):
    """No further device can wait."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A device that waits for a person's word. Times are Unix seconds."""

    client_id: str
    scope: str
    address: str
    asked_at: float


@dataclass(frozen=True, slots=True)
class Polled:
    """What a device is told; `grant` once somebody has approved."""

    state: State
    client_id: str
    scope: str
    grant: Grant | None = None

    def get_client_id(self) -> str:
        """Which client began."""
        return self.client_id

    def get_scope(self) -> str:
        """What it asked for."""
        return self.scope

    def get_user_code(self) -> str:
        """Not known any more, nor needed."""
        return ""

    def is_expired(self) -> bool:
        """Whether nobody came in time."""
        return self.state is State.EXPIRED


class DeviceCodes:
    """The store's table of device authorizations. Writes are durable before they return."""

    def __init__(
        self, store: Store, writer: Writer, sealing: Sealing, *, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._writer = writer
        self._sealing = sealing
        self._clock = clock

    async def add(self, device_code: str, user_code: str, waiting: Waiting) -> None:
        """Keeps a new request. Raises TooManyWaiting."""
        table, now = device_authorizations, self._clock()

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(delete(table).where(table.c.expires_at < now - 60.0))
            count = select(func.count()).select_from(table)
            if (await connection.execute(count)).scalar_one() >= MOST_WAITING:
                raise TooManyWaiting
            await connection.execute(
                insert(table).values(
                    device_code_hash=hash_of(device_code),
                    user_code_mark=self._mark(user_code),
                    client_id=waiting.client_id,
                    scope=waiting.scope,
                    address=waiting.address,
                    asked_at=waiting.asked_at,
                    expires_at=waiting.asked_at + DEVICE_CODE_SECONDS,
                    wait=float(INTERVAL_SECONDS),
                    state=State.WAITING.value,
                )
            )

        await self._writer.submit(write)

    async def waiting(self, user_code: str) -> Waiting | None:
        """The device that shows that code and still waits."""
        query = select(device_authorizations).where(*self._waits(user_code))
        async with self._store.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return Waiting(row.client_id, row.scope, row.address, row.asked_at) if row else None

    async def approve(self, user_code: str, session: Session) -> str | None:
        """Gives the device what it asked for: the new grant's id; None if it doesn't wait any more.

        The grant belongs to no browser's session: who signs out of a browser stays signed in on the device.
        """
        table, grant_id, now = device_authorizations, str(uuid4()), self._clock()

        async def write(connection: AsyncConnection) -> str | None:
            query = select(table).where(*self._waits(user_code))
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return None
            await connection.execute(
                insert(grants).values(
                    id=grant_id,
                    person=session.person_id,
                    client_id=row.client_id,
                    scope=row.scope,
                    session="",
                    auth_time=session.auth_time,
                    methods=" ".join(session.methods),
                    created_at=now,
                )
            )
            await connection.execute(
                update(table)
                .where(table.c.device_code_hash == row.device_code_hash)
                .values(state=State.APPROVED.value, grant_id=grant_id)
            )
            return grant_id

        return await self._writer.submit(write)

    async def deny(self, user_code: str) -> bool:
        """Tells the device no; False if it doesn't wait any more."""
        table = device_authorizations
        statement = (
            update(table)
            .where(*self._waits(user_code))
            .values(state=State.DENIED.value)
            .returning(table.c.client_id)
        )

        async def write(connection: AsyncConnection) -> bool:
            return (await connection.execute(statement)).scalar() is not None

        return await self._writer.submit(write)

    async def poll(
        self, device_code: str, client_id: str, check: Callable[[Grant], None]
    ) -> Polled | None:
        """What a device is told now; None if no request of that client has that code.

        An approved one is told once. What `check` raises about its grant leaves all as it was.
        """
        table = device_authorizations

        async def ask(connection: AsyncConnection) -> Polled | None:
            mine = (
                table.c.device_code_hash == hash_of(device_code),
                table.c.client_id == client_id,
            )
            row = (await connection.execute(select(table).where(*mine))).one_or_none()
            if row is None:
                return None
            if row.expires_at <= self._clock():
                return Polled(State.EXPIRED, client_id, row.scope)
            if row.state == State.DENIED:
                return Polled(State.DENIED, client_id, row.scope)
            if row.state == State.WAITING:
                state = await self._asked_again(connection, device_code, row.polled_at, row.wait)
                return Polled(state, client_id, row.scope)
            found = select(grants).where(grants.c.id == row.grant_id, grants.c.revoked_at.is_(None))
            granted = (await connection.execute(found)).one_or_none()
            if granted is None:
                return Polled(State.DENIED, client_id, row.scope)
            grant = grant_from(granted)
            check(grant)
            await connection.execute(delete(table).where(*mine))
            return Polled(State.APPROVED, client_id, row.scope, grant)

        return await self._writer.submit(ask)

    async def devices_of(self, person_id: str) -> list[Grant]:
        """What devices were given by that person and can still use, newest first."""
        query = (
            select(grants)
            .where(*_of_a_device(person_id), grants.c.created_at > self._clock() - GRANT_SECONDS)
            .order_by(grants.c.created_at.desc())
        )
        async with self._store.connect() as connection:
            return [grant_from(row) for row in await connection.execute(query)]

    async def end(self, person_id: str, grant_id: str) -> bool:
        """Takes it back from a device; whether there was anything."""
        statement = (
            update(grants)
            .where(grants.c.id == grant_id, *_of_a_device(person_id))
            .values(revoked_at=self._clock())
            .returning(grants.c.id)
        )

        async def write(connection: AsyncConnection) -> bool:
            return (await connection.execute(statement)).scalar() is not None

        return await self._writer.submit(write)

    async def _asked_again(
        self, connection: AsyncConnection, device_code: str, before: float | None, wait: float
    ) -> State:
        now = self._clock()
        too_soon = before is not None and now - before < wait
        longer = wait + INTERVAL_SECONDS if too_soon else wait
        await connection.execute(
            update(device_authorizations)
            .where(device_authorizations.c.device_code_hash == hash_of(device_code))
            .values(polled_at=now, wait=longer)
        )
        return State.TOO_SOON if too_soon else State.WAITING

    def _waits(self, user_code: str) -> tuple[ColumnElement[bool], ...]:
        table = device_authorizations
        return (
            table.c.user_code_mark == self._mark(user_code),
            table.c.state == State.WAITING.value,
            table.c.expires_at > self._clock(),
        )

    def _mark(self, user_code: str) -> str:
        return self._sealing.mark(_MARKED_FOR, user_code)


def _of_a_device(person_id: str) -> tuple[ColumnElement[bool], ...]:
    """A grant that belongs to no browser's session."""
    return (grants.c.person == person_id, grants.c.session == "", grants.c.revoked_at.is_(None))
