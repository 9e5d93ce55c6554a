"""The store on SQLite and on a real PostgreSQL: one schema, one behaviour (A6's first half)."""

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.store import tables
from vestibule.store.engine import SchemaTooNew, Store
from vestibule.store.writer import Writer


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    url = f"sqlite:///{tmp_path / 'vestibule.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    store = Store(url)
    await store.start()
    yield store
    await store.close()


def tenant(name: str) -> dict[str, object]:
    return {"id": name, "name": name, "policy": {}}


async def names(store: Store) -> set[str]:
    async with store.connect() as connection:
        return {row.name for row in await connection.execute(select(tables.tenants))}


async def test_the_migrated_schema_is_the_schema(store: Store) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, tables.metadata))

    async with store.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_starting_again_changes_nothing(store: Store) -> None:
    async with store.begin() as connection:
        await connection.execute(insert(tables.tenants), tenant("again-" + str(id(store))))
    await store.start()
    assert "again-" + str(id(store)) in await names(store)


async def test_an_answered_write_is_stored_and_a_failing_one_harms_no_other(store: Store) -> None:
    writer = Writer(store)

    def adding(name: str):  # type: ignore[no-untyped-def]
        async def act(connection: AsyncConnection) -> str:
            await connection.execute(insert(tables.tenants), tenant(name))
            return name

        return act

    tag = str(id(store))
    results = await asyncio.gather(
        writer.submit(adding(f"a{tag}")),
        writer.submit(adding(f"a{tag}")),
        writer.submit(adding(f"b{tag}")),
        return_exceptions=True,
    )
    assert results[0] == f"a{tag}"
    assert isinstance(results[1], IntegrityError)
    assert results[2] == f"b{tag}"
    assert {f"a{tag}", f"b{tag}"} <= await names(store)
    await writer.close()


async def test_acts_that_gathered_are_one_transaction(tmp_path: Path) -> None:
    """Nothing of a batch is to be seen before all of it is durable."""
    store = Store(f"sqlite:///{tmp_path / 'vestibule.db'}")
    await store.start()
    other = sqlite3.connect(tmp_path / "vestibule.db")
    seen: list[int] = []

    def adding(name: str):  # type: ignore[no-untyped-def]
        async def act(connection: AsyncConnection) -> None:
            await connection.execute(insert(tables.tenants), tenant(name))
            seen.append(other.execute("SELECT count(*) FROM tenants").fetchone()[0])

        return act

    writer = Writer(store)
    await asyncio.gather(*(writer.submit(adding(f"t{number}")) for number in range(20)))
    assert seen == [0] * 20
    assert other.execute("SELECT count(*) FROM tenants").fetchone() == (20,)
    other.close()
    await writer.close()
    await store.close()


async def test_writers_that_read_first_do_not_overwrite_each_other(tmp_path: Path) -> None:
    """Two processes, as the command line beside a running server."""
    url = f"sqlite:///{tmp_path / 'vestibule.db'}"
    stores = Store(url), Store(url)

    async def count_up(store: Store) -> None:
        await store.start()
        for _ in range(20):
            async with store.begin() as connection:
                number = (await connection.execute(select(tables.revisions.c.number))).scalars()
                values = {"number": max(number) + 1}
                await connection.execute(tables.revisions.update(), values)
        await store.close()

    await asyncio.gather(*(count_up(store) for store in stores))
    assert sqlite3.connect(tmp_path / "vestibule.db").execute(
        "SELECT max(number) FROM revisions"
    ).fetchone() == (40,)


async def test_a_row_cannot_reach_into_another_tenant(store: Store) -> None:
    tag = str(id(store))
    person = {
        "id": f"p{tag}", "tenant": f"a{tag}", "user": "eve", "domain": f"b{tag}.test",
        "display_name": "Eve", "email": "", "licensed": True, "enabled": True,
    }  # fmt: skip
    async with store.begin() as connection:
        for name in (f"a{tag}", f"b{tag}"):
            await connection.execute(insert(tables.tenants), tenant(name))
            domain = {"name": f"{name}.test", "tenant": name, "position": 0}
            await connection.execute(insert(tables.domains), domain)
    with pytest.raises(IntegrityError):
        async with store.begin() as connection:
            await connection.execute(insert(tables.people), person)


async def test_an_error_does_not_quote_what_was_to_be_stored(store: Store) -> None:
    with pytest.raises(IntegrityError) as caught:
        async with store.begin() as connection:
            for _ in range(2):
                values = {"id": "twice", "name": "very-secret", "policy": {}}
                await connection.execute(insert(tables.tenants), values)
    assert "very-secret" not in str(caught.value)


async def test_the_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "data" / "vestibule.db"
    store = Store(f"sqlite:///{file}")
    await store.start()
    async with store.begin() as connection:
        await connection.execute(insert(tables.tenants), tenant("a"))
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in file.parent.iterdir()}
    assert modes == {"vestibule.db": 0o600, "vestibule.db-wal": 0o600, "vestibule.db-shm": 0o600}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    await store.close()


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'vestibule.db'}"
    store = Store(url)
    await store.start()
    async with store.begin() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match="9999"):
        await store.start()
    await store.close()


async def test_two_processes_may_start_on_an_empty_database(tmp_path: Path) -> None:
    stores = [Store(f"sqlite:///{tmp_path / 'vestibule.db'}") for _ in range(3)]
    await asyncio.gather(*(store.start() for store in stores))
    for store in stores:
        await store.close()


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(ValueError, match="mysql"):
        Store("mysql://localhost/x")
