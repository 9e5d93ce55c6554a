"""The list of servers that may connect as servers (K8): a certificate from a trusted authority is not enough.

Whole installation's, not a tenant's. Reads are from memory; another process's change is there once
the directory has noticed it (`load` again then).
"""

import time

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from vestibule.journal.kinds import Kind
from vestibule.journal.note import NoNotes, Note, Recorder
from vestibule.store.engine import Store
from vestibule.store.revisions import raise_revision
from vestibule.store.tables import trusted_servers


class TrustedServers:
    """DNS names, SIP domains and addresses, in lower case. `recorder` journals changes with them."""

    def __init__(self, store: Store, recorder: Recorder | None = None) -> None:
        self._store = store
        self._recorder = recorder or NoNotes()
        self._names: frozenset[str] = frozenset()

    async def load(self) -> None:
        """Read the list."""
        async with self._store.connect() as connection:
            found = await connection.execute(select(trusted_servers.c.name))
            self._names = frozenset(found.scalars())

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def names(self) -> list[str]:
        """The list, in order."""
        return sorted(self._names)

    async def add(self, name: str) -> bool:
        """Trust a server from now on; whether it is new."""
        row = {"name": name, "created_at": time.time()}
        try:
            async with self._store.begin() as connection:
                await connection.execute(insert(trusted_servers), row)
                await raise_revision(connection, "directory")
                note = Note(Kind.TRUSTED_SERVER_ADDED, subject=name)
                await self._recorder.record(connection, note)
        except IntegrityError:
            return False
        self._names |= {name}
        return True

    async def remove(self, name: str) -> bool:
        """Trust it no longer; whether it was trusted."""
        async with self._store.begin() as connection:
            statement = delete(trusted_servers).where(trusted_servers.c.name == name)
            removed = await connection.execute(statement.returning(trusted_servers.c.name))
            if removed.first() is None:
                return False
            await raise_revision(connection, "directory")
            note = Note(Kind.TRUSTED_SERVER_REMOVED, subject=name)
            await self._recorder.record(connection, note)
        self._names -= {name}
        return True
