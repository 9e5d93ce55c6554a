"""What somebody was signed in with ends in the transaction that takes an account away.

A running server learns of it with the directory's revision, whichever process did it.
"""

from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.store.tables import grants, sessions


async def end_sign_ins(connection: AsyncConnection, person_id: str, now: float) -> None:
    """End every session of a person, and take back all that clients were given."""
    await connection.execute(delete(sessions).where(sessions.c.person == person_id))
    living: ColumnElement[bool] = grants.c.revoked_at.is_(None)
    await connection.execute(
        update(grants).where(grants.c.person == person_id, living).values(revoked_at=now)
    )
