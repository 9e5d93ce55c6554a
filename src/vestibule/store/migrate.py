"""Schema migrations, run when the store starts. They travel inside the package."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x7E571B  # any number, the same in every process of ours


class SchemaTooNew(Exception):
    """The database was written by a newer Vestibule than this one."""


def is_current(connection: Connection) -> bool:
    """Whether the schema is at the newest revision. Raises SchemaTooNew."""
    scripts = ScriptDirectory.from_config(_config(connection))
    found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise SchemaTooNew(
            f"the database is at revision {found}, which this version doesn't know: "
            "start the newer Vestibule that wrote it, or restore a backup"
        )
    return found == scripts.get_current_head()


def upgrade(connection: Connection) -> None:
    """Bring the schema up to the newest revision; one process at a time does so."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
