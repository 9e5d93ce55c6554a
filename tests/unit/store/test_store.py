"""The store on SQLite and on a real PostgreSQL: one schema, one behaviour (A6's first half)."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.store import tables
from vestibule.store.engine import Store
from vestibule.store.writer import Writer


def postgres_program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else name


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of our own on a free port, owned by nobody, since it refuses root."""
    folder = tmp_path_factory.mktemp("postgresql")
    for parent in (folder, *folder.parents):
        if parent.owner() == "root" and parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(0o755)
    shutil.chown(folder, "nobody")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        command = [postgres_program(program), *arguments]
        subprocess.run(command, check=True, capture_output=True, user="nobody", cwd="/")

    data = str(folder / "data")
    run("initdb", "-D", data, "-U", "test", "-A", "trust")
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
    run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://test@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")


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


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(ValueError, match="mysql"):
        Store("mysql://localhost/x")
