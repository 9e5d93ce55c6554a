"""What SQLite needs to keep the same promises as PostgreSQL.

Python's driver begins transactions by itself, and only before the first change. Then a savepoint is
the outermost transaction and its release a commit of its own, and two writers that both read first
overwrite each other. So we take BEGIN into our own hands: at once for writers, who thereby wait for
each other, deferred for readers, whom nobody waits for (WAL).
"""

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine

WRITES = "vestibule_writes"
"""Execution option of a connection whose transactions write."""

_PRAGMAS = (
    "journal_mode=WAL",  # readers beside one writer
    "foreign_keys=ON",
    "synchronous=FULL",  # a commit survives a power cut (DESIGN 4.10)
)


def prepare(engine: AsyncEngine) -> None:
    """Set up every connection that the engine will open, and how its transactions begin."""
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "begin", _on_begin)


def make_file(file: Path) -> None:
    """Make the database if it isn't there: for its owner only, since it holds hashes and keys.

    It gets its place when it is whole, already in WAL mode: two processes that switch an empty file
    to WAL at the same time get "locked" whatever their timeout. And a database that is there is not
    opened here, because closing it would take away the locks that this process holds on it (POSIX).
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        os.close(descriptor)
        try:
            with contextlib.closing(sqlite3.connect(temporary)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
            with contextlib.suppress(FileExistsError):  # another process was faster
                os.link(temporary, file)
        finally:
            Path(temporary).unlink()
    file.chmod(0o600)  # SQLite gives the files that it puts beside it the same mode


def _on_connect(connection: Any, record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
