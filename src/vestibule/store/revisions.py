"""Revision numbers, by which a process notices what another one wrote.

Each part of the data has a row whose number rises in the same transaction as the change. Looking is
one small query; only who sees a number it doesn't know reads that part anew.
"""

from collections.abc import Mapping
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.store.tables import revisions

Part = Literal["directory", "meetings"]


async def raise_revision(connection: AsyncConnection, part: Part) -> int:
    """Note within a transaction that a part has changed, and return its new number."""
    statement = update(revisions).where(revisions.c.name == part)
    changed = await connection.execute(
        statement.values(number=revisions.c.number + 1).returning(revisions.c.number)
    )
    number: int = changed.scalar_one()
    return number


async def read_revisions(connection: AsyncConnection) -> Mapping[str, int]:
    """Every part's number."""
    rows = await connection.execute(select(revisions.c.name, revisions.c.number))
    return {row.name: row.number for row in rows}
