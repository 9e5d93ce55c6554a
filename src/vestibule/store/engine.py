"""The database: SQLite in a file of our own, or PostgreSQL. The same code runs on both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from vestibule.store import sqlite
from vestibule.store.schema import SchemaTooNew, is_current

__all__ = ["SchemaTooNew", "Store"]


class Store:
    """Connections to the database. `url`: `sqlite:///FILE` or `postgresql://…`."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._engine = _engine_for(self._url)

    async def start(self) -> None:
        """Bring the schema up to date.

        Raises SchemaTooNew if a newer Vestibule has written this database.
        """
        if self._url.get_backend_name() == "sqlite" and self._url.database:
            sqlite.make_file(Path(self._url.database))
        async with self.connect() as connection:
            current = await connection.run_sync(is_current)
        if not current:
            from vestibule.store.migrate import upgrade  # noqa: PLC0415 - long to load, seldom needed

            async with self.begin() as connection:
                await connection.run_sync(upgrade)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read with; what is written over it is undone."""
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction to write in: durable when the block ends, undone if it raises.

        SQLite has one writer at a time; the next one waits for up to ten seconds.
        """
        async with self._engine.connect() as connection:
            await connection.execution_options(**{sqlite.WRITES: True})
            async with connection.begin():
                yield connection


def _engine_for(url: URL) -> AsyncEngine:
    # Values of statements hold password hashes and keys: errors, and so logs, must not quote them.
    if url.get_backend_name() == "sqlite":
        url = url.set(drivername="sqlite+aiosqlite")
        engine = create_async_engine(url, connect_args={"timeout": 10.0}, hide_parameters=True)
        sqlite.prepare(engine)
        return engine
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
        return create_async_engine(url, pool_pre_ping=True, hide_parameters=True)
    raise ValueError(
        f"a database of kind {url.get_backend_name()!r} is not supported: "
        "use sqlite:///FILE or postgresql://…"
    )
