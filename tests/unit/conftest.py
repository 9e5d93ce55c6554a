"""What several kinds of unit tests need."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from vestibule.store.engine import Store


def postgres_program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else name


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with our tables and nothing in them: migrating one anew takes longer than most tests do."""
    file = tmp_path_factory.mktemp("migrated") / "vestibule.db"

    async def migrate() -> None:
        store = Store(f"sqlite:///{file}")
        await store.start()
        await store.close()

    asyncio.run(migrate())
    return file


@pytest.fixture
def sqlite_url(migrated: Path, tmp_path: Path) -> str:
    """A database of the test's own, empty and up to date."""
    return f"sqlite:///{shutil.copy(migrated, tmp_path)}"


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """A server of our own on a free port, owned by nobody, since it refuses root.

    Its folder is not one of pytest's: another run of pytest would shut nobody out of those.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        command = [postgres_program(program), *arguments]
        subprocess.run(command, check=True, capture_output=True, user="nobody", cwd="/")

    with TemporaryDirectory(prefix="postgresql-") as folder:
        shutil.chown(folder, "nobody")
        data = f"{folder}/data"
        run("initdb", "-D", data, "-U", "test", "-A", "trust")
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql://test@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
