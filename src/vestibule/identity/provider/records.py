"""Where sign-in sessions, grants, codes and refresh tokens are kept.

Only SHA-256 hashes of the secrets are stored: whoever reads the database can sign in as nobody. The
secrets are random and 256 bits wide, so a plain hash is enough.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.store.engine import Store
from vestibule.store.secret_hash import hash_of
from vestibule.store.tables import (
    authorization_codes,
    device_authorizations,
    grants,
    refresh_tokens,
    sessions,
)
from vestibule.store.writer import Writer

SESSION_SECONDS = 12 * 3600.0
"""How long a browser stays signed in: a working day."""

CODE_SECONDS = 60.0
"""How long an authorization code may be exchanged (RFC 9700 section 2.1.1 asks for short)."""

REFRESH_SECONDS = 7 * 86_400.0
"""How long a refresh token may lie unused."""

GRANT_SECONDS = 30 * 86_400.0
"""How long refresh tokens can follow each other until the person signs in anew."""

_KEPT_AFTER_EXPIRY = 86_400.0  # so that a late second use is still seen as one


@dataclass(frozen=True, slots=True)
class Session:
    """A browser in which somebody has signed in. Times are Unix seconds."""

    id_hash: str
    person_id: str
    auth_time: float
    methods: tuple[str, ...]
    expires_at: float


@dataclass(frozen=True, slots=True)
class Grant:
    """What one sign-in gave one client; codes and refresh tokens belong to it and fall with it."""

    id: str
    person_id: str
    client_id: str
    scope: str
    auth_time: float
    methods: tuple[str, ...]
    created_at: float
    key: str = ""
    """Thumbprint of the key that its codes and refresh tokens are bound to; empty if to none."""


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code that was just taken out of the store: it can't be taken again."""

    grant: Grant
    redirect_uri: str
    nonce: str | None
    code_challenge: str
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        """Where the code was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """What it stands for."""
        return self.grant.scope

    def get_nonce(self) -> str | None:
        """The client's nonce for the ID token."""
        return self.nonce

    def get_auth_time(self) -> int:
        """When the person signed in."""
        return int(self.grant.auth_time)

    def get_acr(self) -> None:
        """No authentication context class is claimed."""

    def get_amr(self) -> list[str]:
        """How the person signed in, by the names of RFC 8176."""
        return list(self.grant.methods)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token that was just taken out of the store: it can't be taken again."""

    grant: Grant

    def check_client(self, client: object) -> bool:
        """Whether the token was given to that client."""
        return getattr(client, "client_id", None) == self.grant.client_id

    def get_scope(self) -> str:
        """What it stands for."""
        return self.grant.scope


@dataclass(frozen=True, slots=True)
class Replayed:
    """Somebody used a code or refresh token a second time: its grant has been revoked."""

    grant_id: str
    person_id: str


class SignInRecords:
    """The store's tables for signing in. Writes are durable before they return."""

    def __init__(self, store: Store, writer: Writer, *, clock: Callable[[], float]) -> None:
        self._store = store
        self._writer = writer
        self._clock = clock

    # --- sessions ---

    async def begin_session(
        self,
        person_id: str,
        methods: tuple[str, ...],
        *,
        auth_time: float | None = None,
        instead_of: Session | None = None,
    ) -> tuple[str, Session]:
        """A new session and the secret that the browser's cookie holds.

        `auth_time`: when the person showed the first factor, if not now. `instead_of`: a session of
        the same person, which ends; what it was given to clients goes on under the new one.
        """
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        begun = now if auth_time is None else auth_time
        session = Session(hash_of(secret), person_id, begun, methods, now + SESSION_SECONDS)

        async def write(connection: AsyncConnection) -> None:
            await _purge(connection, now - _KEPT_AFTER_EXPIRY)
            await connection.execute(
                insert(sessions).values(
                    id_hash=session.id_hash,
                    person=person_id,
                    auth_time=begun,
                    methods=" ".join(methods),
                    expires_at=session.expires_at,
                )
            )
            if instead_of is not None:
                await _succeed(connection, instead_of, session)

        await self._writer.submit(write)
        return secret, session

    async def session(self, secret: str) -> Session | None:
        """The session of that cookie, unless unknown, ended or expired."""
        query = select(sessions).where(
            sessions.c.id_hash == hash_of(secret), sessions.c.expires_at > self._clock()
        )
        async with self._store.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        methods = tuple(row.methods.split())
        return Session(row.id_hash, row.person, row.auth_time, methods, row.expires_at)

    async def end_session(self, session: Session) -> list[str]:
        """Ends the session and all grants made in it; returns the ids of those grants."""

        async def write(connection: AsyncConnection) -> list[str]:
            await connection.execute(delete(sessions).where(sessions.c.id_hash == session.id_hash))
            ended = await connection.execute(
                update(grants)
                .where(grants.c.session == session.id_hash, grants.c.revoked_at.is_(None))
                .values(revoked_at=self._clock())
                .returning(grants.c.id)
            )
            return list(ended.scalars())

        return await self._writer.submit(write)

    async def revoked_since(self, time: float) -> list[str]:
        """Grants that were revoked since then, by whichever process."""
        query = select(grants.c.id).where(grants.c.revoked_at >= time)
        async with self._store.connect() as connection:
            return list((await connection.execute(query)).scalars())

    # --- grants, codes, refresh tokens ---

    async def add_code(
        self,
        code: str,
        session: Session,
        *,
        client_id: str,
        scope: str,
        redirect_uri: str,
        nonce: str | None,
        code_challenge: str,
        key: str,
    ) -> None:
        """Keeps a new code and the grant that it opens, bound to a key unless that is empty."""
        now, grant_id = self._clock(), str(uuid4())

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(
                insert(grants).values(
                    id=grant_id,
                    person=session.person_id,
                    client_id=client_id,
                    scope=scope,
                    session=session.id_hash,
                    auth_time=session.auth_time,
                    methods=" ".join(session.methods),
                    created_at=now,
                    key_thumbprint=key,
                )
            )
            await connection.execute(
                insert(authorization_codes).values(
                    code_hash=hash_of(code),
                    grant_id=grant_id,
                    redirect_uri=redirect_uri,
                    nonce=nonce,
                    code_challenge=code_challenge,
                    expires_at=now + CODE_SECONDS,
                )
            )

        await self._writer.submit(write)

    async def take_code(self, code: str, client_id: str) -> Code | Replayed | None:
        """Takes the code out: the first caller gets it, a second revokes its grant."""

        async def take(connection: AsyncConnection) -> Code | Replayed | None:
            table = authorization_codes
            taken = await connection.execute(
                update(table)
                .where(
                    table.c.code_hash == hash_of(code),
                    table.c.used_at.is_(None),
                    table.c.expires_at > self._clock(),
                )
                .values(used_at=self._clock())
                .returning(table)
            )
            row = taken.one_or_none()
            if row is None:
                used = select(table.c.grant_id).where(
                    table.c.code_hash == hash_of(code), table.c.used_at.is_not(None)
                )
                return await self._replayed((await connection.execute(used)).scalar(), connection)
            grant = await _living_grant(connection, row.grant_id, client_id)
            if grant is None:
                return None
            return Code(grant, row.redirect_uri, row.nonce, row.code_challenge)

        return await self._writer.submit(take)

    async def add_refresh_token(self, token: str, grant: Grant, key: str) -> None:
        """Keeps a new refresh token of the grant, which is bound to the key from now on.

        Who holds the token is shown by nothing else, for our clients have no secret (RFC 9449 section 5).
        """
        expires_at = min(self._clock() + REFRESH_SECONDS, grant.created_at + GRANT_SECONDS)
        statement = insert(refresh_tokens).values(
            token_hash=hash_of(token), grant_id=grant.id, expires_at=expires_at
        )
        bind = update(grants).where(grants.c.id == grant.id).values(key_thumbprint=key)

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(statement)
            if key:
                await connection.execute(bind)

        await self._writer.submit(write)

    async def take_refresh_token(
        self, token: str, client_id: str, check: Callable[[Grant], None]
    ) -> RefreshToken | Replayed | None:
        """Takes the token out: the first caller gets it, a second revokes its grant.

        What `check` raises about the grant leaves the token as it was, and comes out here.
        """

        async def take(connection: AsyncConnection) -> RefreshToken | Replayed | None:
            table = refresh_tokens
            taken = await connection.execute(
                update(table)
                .where(
                    table.c.token_hash == hash_of(token),
                    table.c.used_at.is_(None),
                    table.c.expires_at > self._clock(),
                )
                .values(used_at=self._clock())
                .returning(table.c.grant_id)
            )
            grant_id = taken.scalar()
            if grant_id is None:
                used = select(table.c.grant_id).where(
                    table.c.token_hash == hash_of(token), table.c.used_at.is_not(None)
                )
                return await self._replayed((await connection.execute(used)).scalar(), connection)
            grant = await _living_grant(connection, grant_id, client_id)
            if grant is None:
                return None
            check(grant)
            return RefreshToken(grant)

        return await self._writer.submit(take)

    async def revoke_by_refresh_token(self, token: str, client_id: str) -> Grant | None:
        """Revokes the grant that the token belongs to; which one, if there was one of that client."""

        async def write(connection: AsyncConnection) -> Grant | None:
            query = (
                select(grants)
                .join(refresh_tokens, refresh_tokens.c.grant_id == grants.c.id)
                .where(
                    refresh_tokens.c.token_hash == hash_of(token), grants.c.client_id == client_id
                )
            )
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return None
            await self._replayed(row.id, connection)
            return grant_from(row)

        return await self._writer.submit(write)

    async def _replayed(self, grant_id: str | None, connection: AsyncConnection) -> Replayed | None:
        if grant_id is None:
            return None
        await connection.execute(
            update(grants)
            .where(grants.c.id == grant_id, grants.c.revoked_at.is_(None))
            .values(revoked_at=self._clock())
        )
        person = select(grants.c.person).where(grants.c.id == grant_id)
        return Replayed(grant_id, (await connection.execute(person)).scalar_one())


async def _living_grant(connection: AsyncConnection, grant_id: str, client_id: str) -> Grant | None:
    query = select(grants).where(
        grants.c.id == grant_id, grants.c.client_id == client_id, grants.c.revoked_at.is_(None)
    )
    row = (await connection.execute(query)).one_or_none()
    return grant_from(row) if row else None


def grant_from(row: Row[tuple[object, ...]]) -> Grant:
    """The grant in a row of its table."""
    return Grant(
        id=row.id,
        person_id=row.person,
        client_id=row.client_id,
        scope=row.scope,
        auth_time=row.auth_time,
        methods=tuple(row.methods.split()),
        created_at=row.created_at,
        key=row.key_thumbprint,
    )


async def _succeed(connection: AsyncConnection, before: Session, after: Session) -> None:
    await connection.execute(
        update(grants).where(grants.c.session == before.id_hash).values(session=after.id_hash)
    )
    await connection.execute(delete(sessions).where(sessions.c.id_hash == before.id_hash))


async def _purge(connection: AsyncConnection, before: float) -> None:
    """Forgets what expired before that time; done at each sign-in, so nothing piles up."""
    for table in (authorization_codes, refresh_tokens, sessions):
        await connection.execute(delete(table).where(table.c.expires_at < before))
    alive = select(refresh_tokens.c.grant_id).union(
        select(authorization_codes.c.grant_id),
        select(device_authorizations.c.grant_id).where(
            device_authorizations.c.grant_id.is_not(None)
        ),
    )
    await connection.execute(
        delete(grants).where(grants.c.created_at < before, grants.c.id.not_in(alive))
    )
