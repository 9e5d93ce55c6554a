"""Links by which a device gets its certificate: one use, some minutes, its key made on the device (I4).

A link holds a random code, of which only a hash is kept. The device sends the code and a certificate
request; it gets a certificate for the person and name that the admin said.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from sqlalchemy import Row, delete, insert, select, update

from vestibule.directory.directory import Directory
from vestibule.directory.model import Person
from vestibule.directory.names import display_name
from vestibule.identity.sign_in_limits import Allowance, TokenBuckets, TooManyTries, subnet_of
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, NoNotes, Note, Notes, Recorder
from vestibule.pki.authority import DeviceCredential
from vestibule.pki.certificates import LeafKey
from vestibule.store.engine import Store
from vestibule.store.secret_hash import hash_of
from vestibule.store.tables import enrolment_links, people

FAILURES = Allowance(burst=10, interval=10.0)
"""Wrong codes from one address; a code of 192 bits isn't found at any rate."""

ENROLMENT_PAGE = "/identity/enrol"
"""Where links lead; the code stands behind #, which browsers send to nobody."""

_KEPT_SECONDS = 86_400.0
Certify = Callable[[LeafKey, str, str], DeviceCredential]


class LinkRefused(Exception):
    """The link is unknown, used or over, or its person's account closed: which of it isn't told."""


@dataclass(frozen=True, slots=True)
class DeviceLinksParts:
    """What they work with. `clock` gives Unix seconds; `certify` signs for key, address of record and
    device id.
    """

    store: Store
    directory: Directory
    certify: Certify
    clock: Callable[[], float]
    notes: Notes = field(default_factory=NoNotes)


class DeviceLinks:
    """Makes and redeems links."""

    def __init__(self, parts: DeviceLinksParts) -> None:
        self._parts = parts
        self._failures = TokenBuckets(FAILURES)

    async def redeem(self, code: str, key: LeafKey, address: str) -> DeviceCredential:
        """The certificate, once.

        Raises LinkRefused, and TooManyTries after too many that were, from the client's `address`.
        """
        self._require_patience(address)
        link = await self._use(code)
        person = self._parts.directory.person_by_id(link.person) if link else None
        if link is None or person is None:
            self._failures.take(subnet_of(address), self._parts.clock())
            self._parts.notes.note(Note(Kind.DEVICE_LINK_REFUSED, address=address))
            raise LinkRefused
        device_id = str(uuid4())
        credential = await asyncio.to_thread(self._parts.certify, key, person.aor, device_id)
        await self._parts.directory.add_certificate_device(
            person, link.name, credential.serial, device_id
        )
        return credential

    # --- inside ---

    def _require_patience(self, address: str) -> None:
        wait = self._failures.wait(subnet_of(address), self._parts.clock())
        if wait > 0:
            raise TooManyTries(int(wait) + 1)

    async def _use(self, code: str) -> Row[tuple[str, str]] | None:
        """Whose link it is and what the device is called, if it was good; it is no more."""
        now, links = self._parts.clock(), enrolment_links.c
        of_enabled = select(people.c.id).where(people.c.id == links.person, people.c.enabled)
        good = (links.code_hash == hash_of(code), links.used_at.is_(None), links.expires_at > now)
        statement = (
            update(enrolment_links)
            .where(*good, of_enabled.exists())
            .values(used_at=now)
            .returning(links.person, links.name)
        )
        async with self._parts.store.begin() as connection:
            return (await connection.execute(statement)).one_or_none()


async def new_link(
    store: Store, recorder: Recorder, owner: Person, name: str, *, seconds: int, now: float
) -> str:
    """A link's code, good for so many seconds. Raises UnfitName for a name that can't be."""
    code = secrets.token_urlsafe(24)
    row = {
        "code_hash": hash_of(code),
        "person": owner.id,
        "tenant": owner.tenant,
        "name": display_name(name),
        "expires_at": now + seconds,
    }
    note = Note(
        Kind.DEVICE_LINK_MADE,
        tenant=owner.tenant,
        subject=owner.aor,
        details={Detail.NAME: name, Detail.SECONDS: str(seconds)},
    )
    over = enrolment_links.c.expires_at < now - _KEPT_SECONDS
    async with store.begin() as connection:
        await connection.execute(delete(enrolment_links).where(over))
        await connection.execute(insert(enrolment_links), row)
        await recorder.record(connection, note)
    return code
