"""Tickets: what a browser has shown so far, carried by itself from one page to the next.

A ticket is sealed, so it can be neither read nor made by anybody else; it is bound to one browser
(by the cookie of our forms) and one purpose, lives ten minutes, and is spent when its step is passed.
So nothing is stored for people who haven't proven anything, and no step is passed twice.
"""

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.identity.sealing import Sealing
from vestibule.store.tables import spent_tickets
from vestibule.store.writer import Writer

TICKET_SECONDS = 600.0
"""How long a page may lie open between two steps."""

_MOST_CHARACTERS = 3800  # a cookie has at most 4096 octets, its name and attributes included
_SEALED_FOR = "ticket"


class Purpose(StrEnum):
    """The step that a ticket leads to."""

    AFTER_PASSWORD = "after-password"  # noqa: S105 - a name
    STEP_UP = "step-up"
    PASSKEY_SIGN_IN = "passkey-sign-in"
    EXTERNAL_SIGN_IN = "external-sign-in"
    ENROL_TOTP = "enrol-totp"
    ENROL_PASSKEY = "enrol-passkey"
    DEVICE_CONSENT = "device-consent"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket that is good. `content` belongs to the purpose; `text` is what the browser holds.

    `id` tells it apart however the text is spelled.
    """

    id: str
    purpose: Purpose
    person_id: str
    content: str
    expires_at: float
    text: str

    @property
    def challenge(self) -> bytes:
        """What a passkey has to sign (WebAuthn section 13.4.3): nobody can choose it."""
        return hashlib.sha256(self.id.encode()).digest()


class Tickets:
    """Makes, reads and spends tickets."""

    def __init__(self, sealing: Sealing, writer: Writer, *, clock: Callable[[], float]) -> None:
        self._sealing = sealing
        self._writer = writer
        self._clock = clock

    def issue(
        self, purpose: Purpose, browser: str, *, person_id: str = "", content: str = ""
    ) -> Ticket:
        """A new ticket for that browser."""
        ticket_id, expires_at = secrets.token_urlsafe(24), self._clock() + TICKET_SECONDS
        said = {"id": ticket_id, "person": person_id, "content": content, "until": expires_at}
        about = f"{purpose} {browser}"
        text = self._sealing.seal(_SEALED_FOR, json.dumps(said).encode(), about)
        return Ticket(ticket_id, purpose, person_id, content, expires_at, text)

    def read(self, purpose: Purpose, browser: str, text: str) -> Ticket | None:
        """The ticket, if it is ours, for this purpose and browser, and in time."""
        if not browser or len(text) > _MOST_CHARACTERS:
            return None
        opened = self._sealing.open(_SEALED_FOR, text, f"{purpose} {browser}")
        if opened is None:
            return None
        said = json.loads(opened)
        if said["until"] <= self._clock():
            return None
        return Ticket(said["id"], purpose, said["person"], said["content"], said["until"], text)

    async def spend(self, ticket: Ticket) -> bool:
        """Takes the ticket; False if somebody was faster."""
        now = self._clock()

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(delete(spent_tickets).where(spent_tickets.c.expires_at <= now))
            await connection.execute(
                insert(spent_tickets).values(id=ticket.id, expires_at=ticket.expires_at)
            )

        try:
            await self._writer.submit(write)
        except IntegrityError:
            return False
        return True
