"""What a tenant's own directory shows when it changes our people: bearer tokens, kept as hashes only."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.directory.directory import Directory
from vestibule.directory.names import display_name
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note
from vestibule.store.engine import Store
from vestibule.store.secret_hash import hash_of
from vestibule.store.tables import provisioning_tokens

_PREFIX = "vscim_"  # so that a scanner for leaked secrets knows it, and a reader which kind it is
_DAY = 86_400.0


class Scope(StrEnum):
    """What a token is for."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class ProvisioningToken:
    """One token, of one tenant. Times are Unix seconds."""

    id: str
    tenant: str
    name: str
    scope: Scope
    created_at: float
    expires_at: float
    revoked_at: float | None

    @property
    def is_good(self) -> bool:
        """Whether it opens anything now."""
        return self.revoked_at is None and time.time() < self.expires_at


class ProvisioningTokens:
    """Reads from the store each time: a revoked one is good no moment longer."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory

    async def make(self, tenant_id: str, name: str, scope: Scope, days: int) -> str:
        """A new token's secret, to be shown this once. Raises UnfitName."""
        secret, now = _PREFIX + secrets.token_urlsafe(32), time.time()
        token = ProvisioningToken(
            str(uuid4()), tenant_id, display_name(name)[:100], scope, now, now + days * _DAY, None
        )
        row = {
            "id": token.id, "tenant": tenant_id, "name": token.name, "token_hash": hash_of(secret),
            "scope": scope.value, "created_at": now, "expires_at": token.expires_at,
        }  # fmt: skip

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(insert(provisioning_tokens), row)

        note = _note(Kind.PROVISIONING_TOKEN_MADE, token)
        await self._directory.change(write, lambda _: None, [note])
        return secret

    async def of(self, secret: str) -> ProvisioningToken | None:
        """The token, if it is good."""
        query = select(provisioning_tokens).where(
            provisioning_tokens.c.token_hash == hash_of(secret)
        )
        async with self._store.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        token = _token(row) if row else None
        return token if token and token.is_good else None

    async def all_of(self, tenant_id: str) -> Sequence[ProvisioningToken]:
        """Every token of a tenant, old ones too."""
        query = select(provisioning_tokens).where(provisioning_tokens.c.tenant == tenant_id)
        async with self._store.connect() as connection:
            return [_token(row) for row in await connection.execute(query.order_by("created_at"))]

    async def revoke(self, token: ProvisioningToken) -> None:
        """It opens nothing from now on."""
        mine = provisioning_tokens.c.id == token.id
        unrevoked = provisioning_tokens.c.revoked_at.is_(None)

        async def write(connection: AsyncConnection) -> None:
            statement = update(provisioning_tokens).where(mine, unrevoked)
            await connection.execute(statement.values(revoked_at=time.time()))

        note = _note(Kind.PROVISIONING_TOKEN_REVOKED, token)
        await self._directory.change(write, lambda _: None, [note])


def _token(row: Any) -> ProvisioningToken:
    return ProvisioningToken(
        row.id, row.tenant, row.name, Scope(row.scope), row.created_at, row.expires_at,
        row.revoked_at,
    )  # fmt: skip


def _note(kind: Kind, token: ProvisioningToken) -> Note:
    details = {Detail.NAME: token.name, Detail.ROLE: token.scope.value}
    return Note(kind, tenant=token.tenant, details=details)
