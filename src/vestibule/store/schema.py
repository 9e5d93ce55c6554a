"""Whether the database's schema is this version's. Alembic, which is long to load, is needed only if it isn't."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

REVISIONS = Path(__file__).parent / "migrations" / "versions"


class SchemaTooNew(Exception):
    """The database was written by a newer Vestibule than this one."""


def is_current(connection: Connection) -> bool:
    """Whether the schema is at the newest revision. Raises SchemaTooNew."""
    known, found = known_revisions(), _found(connection)
    if found is not None and found not in known:
        raise SchemaTooNew(
            f"the database is at revision {found}, which this version doesn't know: "
            "start the newer Vestibule that wrote it, or restore a backup"
        )
    return found == known[-1]


def known_revisions() -> list[str]:
    """The revisions of this version, the newest last: files are named for them, and they follow one another."""
    return sorted(path.name.partition("_")[0] for path in REVISIONS.glob("[0-9]*_*.py"))


def _found(connection: Connection) -> str | None:
    """Where Alembic has noted that the database is; None before the first migration."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
