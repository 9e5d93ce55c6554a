"""Where second factors are kept.

No secret is stored readable: those of apps are sealed with the server's key, of passkeys there is
only the public half, of recovery codes a mark.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.identity.sealing import Sealing
from vestibule.identity.second_factors.passkeys import NewPasskey
from vestibule.store.engine import Store
from vestibule.store.tables import passkeys, recovery_codes, totp_authenticators
from vestibule.store.writer import Writer

MOST_OF_ONE_KIND = 10
_SEALED_FOR = "totp secret"
_MARKED_FOR = "recovery code"
_NAMED = (totp_authenticators, passkeys)


class TooManyFactors(Exception):
    """The person has as many as one can have."""


@dataclass(frozen=True, slots=True)
class Totp:
    """An authenticator app. Codes up to `last_step` are used up.

    `secret` is None if it was sealed with a key that the server has no more: such an app still stands
    in the way, but no code of it is right.
    """

    id: str
    name: str
    created_at: float
    last_used_at: float | None
    secret: str | None = field(repr=False)
    last_step: int


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey. `device_bound`: it can't leave its device."""

    id: str
    person_id: str
    name: str
    created_at: float
    last_used_at: float | None
    credential_id: str
    public_key: bytes
    sign_count: int
    device_bound: bool


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """All that one person has."""

    totps: tuple[Totp, ...]
    passkeys: tuple[Passkey, ...]
    recovery_codes_left: int

    def __bool__(self) -> bool:
        return bool(self.totps or self.passkeys)


class SecondFactorRecords:
    """Reads and writes them; each use of a code or passkey is taken in one step."""

    def __init__(
        self, store: Store, writer: Writer, sealing: Sealing, *, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._writer = writer
        self._sealing = sealing
        self._clock = clock

    # --- reads ---

    async def of(self, person_id: str) -> SecondFactors:
        """Everything of a person, oldest first."""
        left = select(func.count()).where(
            recovery_codes.c.person == person_id, recovery_codes.c.used_at.is_(None)
        )
        async with self._store.connect() as connection:
            totps = await _rows(connection, totp_authenticators, person_id)
            keys = await _rows(connection, passkeys, person_id)
            count = (await connection.execute(left)).scalar_one()
        return SecondFactors(
            tuple(self._totp(row) for row in totps),
            tuple(_passkey(row) for row in keys),
            count,
        )

    async def any_of(self, person_id: str) -> bool:
        """Whether the person has any."""
        return bool(await self.of(person_id))

    async def passkey(self, credential_id: str) -> Passkey | None:
        """The passkey of that id, whosever it is."""
        query = select(passkeys).where(passkeys.c.credential_id == credential_id)
        async with self._store.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return _passkey(row) if row else None

    # --- adding, naming, removing ---

    async def add_totp(self, person_id: str, name: str, secret: str, step: int) -> None:
        """Keeps an app's secret; the code that proved it is used up. Raises TooManyFactors."""
        sealed = self._sealing.seal(_SEALED_FOR, secret.encode(), person_id)
        await self._add(totp_authenticators, person_id, name, sealed_secret=sealed, last_step=step)

    async def add_passkey(self, person_id: str, name: str, new: NewPasskey) -> bool:
        """Keeps a passkey; False if somebody has it already. Raises TooManyFactors."""
        try:
            await self._add(
                passkeys, person_id, name, credential_id=new.credential_id,
                public_key=new.public_key, sign_count=new.sign_count,
                device_bound=new.device_bound,
            )  # fmt: skip
        except IntegrityError:
            return False
        return True

    async def rename(self, person_id: str, factor_id: str, name: str) -> bool:
        """Gives one of the person's own another name; whether there is such a one."""

        async def write(connection: AsyncConnection) -> bool:
            changed = 0
            for table in _NAMED:
                own = (table.c.id == factor_id) & (table.c.person == person_id)
                result = await connection.execute(update(table).where(own).values(name=name))
                changed += result.rowcount
            return changed > 0

        return await self._writer.submit(write)

    async def remove(self, person_id: str, factor_id: str) -> bool:
        """Removes one of the person's own; with the last one the recovery codes go too."""

        async def write(connection: AsyncConnection) -> bool:
            removed = 0
            for table in _NAMED:
                own = (table.c.id == factor_id) & (table.c.person == person_id)
                removed += (await connection.execute(delete(table).where(own))).rowcount
            remaining = 0
            for table in _NAMED:
                remaining += len(await _rows(connection, table, person_id))
            if not remaining:
                await _forget_codes(connection, person_id)
            return removed > 0

        return await self._writer.submit(write)

    async def remove_all(self, person_id: str) -> int:
        """Removes everything, for somebody who has lost it all; how many factors there were."""

        async def write(connection: AsyncConnection) -> int:
            removed = 0
            for table in _NAMED:
                own = table.c.person == person_id
                removed += (await connection.execute(delete(table).where(own))).rowcount
            await _forget_codes(connection, person_id)
            return removed

        return await self._writer.submit(write)

    async def replace_recovery_codes(self, person_id: str, codes: Sequence[str]) -> None:
        """These codes from now on, and no earlier ones."""
        rows = [{"code_mac": self._mark(person_id, code), "person": person_id} for code in codes]

        async def write(connection: AsyncConnection) -> None:
            await _forget_codes(connection, person_id)
            await connection.execute(insert(recovery_codes), rows)

        await self._writer.submit(write)

    # --- uses ---

    async def use_totp(self, totp: Totp, step: int) -> bool:
        """Uses up the codes until `step`; False if that was done before (ATTACKS 20)."""
        table = totp_authenticators
        return await self._use(
            update(table)
            .where(table.c.id == totp.id, table.c.last_step < step)
            .values(last_step=step, last_used_at=self._clock())
        )

    async def use_passkey(self, passkey: Passkey, sign_count: int) -> bool:
        """Notes the use; False if it was removed or its count went on meanwhile."""
        column = passkeys.c.sign_count  # stays 0 with passkeys that don't count
        forward = column == 0 if sign_count == 0 else column < sign_count
        return await self._use(
            update(passkeys)
            .where(passkeys.c.id == passkey.id, forward)
            .values(sign_count=sign_count, last_used_at=self._clock())
        )

    async def use_recovery_code(self, person_id: str, code: str) -> bool:
        """Uses up a code; False if it is none of the person's, or was used before."""
        table = recovery_codes
        return await self._use(
            update(table)
            .where(
                table.c.code_mac == self._mark(person_id, code),
                table.c.person == person_id,
                table.c.used_at.is_(None),
            )
            .values(used_at=self._clock())
        )

    # --- inside ---

    async def _use(self, statement: Any) -> bool:
        async def write(connection: AsyncConnection) -> bool:
            return bool((await connection.execute(statement)).rowcount == 1)

        return await self._writer.submit(write)

    async def _add(self, table: Table, person_id: str, name: str, **columns: object) -> None:
        values = {
            "id": str(uuid4()),
            "person": person_id,
            "name": name,
            "created_at": self._clock(),
            **columns,
        }

        async def write(connection: AsyncConnection) -> None:
            if len(await _rows(connection, table, person_id)) >= MOST_OF_ONE_KIND:
                raise TooManyFactors
            await connection.execute(insert(table).values(values))

        await self._writer.submit(write)

    def _mark(self, person_id: str, code: str) -> str:
        return self._sealing.mark(_MARKED_FOR, f"{person_id} {code}")

    def _totp(self, row: Row[Any]) -> Totp:
        opened = self._sealing.open(_SEALED_FOR, row.sealed_secret, row.person)
        secret = None if opened is None else opened.decode()
        return Totp(row.id, row.name, row.created_at, row.last_used_at, secret, row.last_step)


async def _rows(connection: AsyncConnection, table: Table, person_id: str) -> Sequence[Row[Any]]:
    query = select(table).where(table.c.person == person_id).order_by(table.c.created_at)
    return (await connection.execute(query)).all()


async def _forget_codes(connection: AsyncConnection, person_id: str) -> None:
    await connection.execute(delete(recovery_codes).where(recovery_codes.c.person == person_id))


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(
        row.id, row.person, row.name, row.created_at, row.last_used_at, row.credential_id,
        row.public_key, row.sign_count, row.device_bound,
    )  # fmt: skip
