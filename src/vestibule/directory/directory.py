"""The directory: reads from memory, writes that are durable before they return.

What another process writes (the command line beside a running server) is noticed within two seconds
by its revision number; our own writes go into memory as they are, without reading anything again.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.directory import journalled
from vestibule.directory.endings import end_sign_ins
from vestibule.directory.identity_provider import IdentityProvider
from vestibule.directory.model import BreakGlass, Device, Person, Tenant, TenantPolicy
from vestibule.directory.names import display_name as fit_display_name
from vestibule.directory.names import domain_name, user_name
from vestibule.directory.policy import policy_as_json
from vestibule.directory.snapshot import Snapshot, read_snapshot
from vestibule.journal.kinds import Kind
from vestibule.journal.note import NoNotes, Note, Recorder
from vestibule.store import tables
from vestibule.store.engine import Store
from vestibule.store.revisions import raise_revision, read_revisions

POLL_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class AlreadyThere(Exception):
    """A domain, address or name that is taken; the message says which."""


class Directory:
    """All tenants, strictly apart: a person is found by its own address or id only.

    `recorder` journals each change in the transaction that makes it.
    """

    def __init__(self, store: Store, recorder: Recorder | None = None) -> None:
        self._store = store
        self._recorder = recorder or NoNotes()
        self._snapshot = Snapshot()
        self._revisions: Mapping[str, int] = {}
        self._one_at_a_time = asyncio.Lock()
        self._poller: asyncio.Task[None] | None = None
        self._on_change: list[Callable[[], Awaitable[None]]] = []

    # --- life ---

    async def load(self) -> None:
        """Read everything."""
        async with self._one_at_a_time:
            await self._read()

    def on_change(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Call back after each change of people, devices, policies or meetings.

        Ours are told before the write returns, another process's within two seconds.
        """
        self._on_change.append(callback)

    def watch(self) -> None:
        """Begin to notice other processes' writes."""
        self._poller = asyncio.create_task(self._poll())

    async def close(self) -> None:
        """Stop noticing."""
        if self._poller is not None:
            self._poller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._poller

    # --- reads ---

    def person(self, aor: str) -> Person | None:
        """The person with that address of record."""
        return self._snapshot.people_by_aor.get(aor)

    def person_by_id(self, person_id: str) -> Person | None:
        """The person with that id."""
        return self._snapshot.people.get(person_id)

    def people_of(self, tenant_id: str) -> list[Person]:
        """Everyone of a tenant, by address."""
        people = self._snapshot.people_of_tenant.get(tenant_id, {}).values()
        return sorted(people, key=lambda person: person.aor)

    def tenants(self) -> list[Tenant]:
        """Every tenant."""
        return list(self._snapshot.tenants.values())

    def tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant with that id."""
        return self._snapshot.tenants.get(tenant_id)

    def tenant_of_domain(self, domain: str) -> Tenant | None:
        """The tenant whose domain it is."""
        return self._snapshot.tenant_of_domain.get(domain)

    def identity_provider(self, name: str) -> IdentityProvider | None:
        """The identity provider of that name."""
        return self._snapshot.identity_providers.get(name)

    def identity_providers(self) -> list[IdentityProvider]:
        """Every tenant's identity providers, by name."""
        return list(self._snapshot.identity_providers.values())

    def device(self, device_id: str) -> Device | None:
        """The device with that id."""
        return self._snapshot.devices.get(device_id)

    def device_by_serial(self, serial: str) -> Device | None:
        """The device whose certificate has that serial number (lower-case hexadecimal)."""
        return self._snapshot.devices_by_serial.get(serial)

    def devices_of(self, person_id: str) -> tuple[Device, ...]:
        """Every device of a person, revoked ones too."""
        return tuple(self._snapshot.devices_of_person.get(person_id, {}).values())

    def digest_devices(self, person_id: str) -> tuple[Device, ...]:
        """A person's devices that prove themselves by a secret and are not revoked."""
        return tuple(d for d in self.devices_of(person_id) if d.kind == "digest" and not d.revoked)

    def revoked_certificates(self) -> list[tuple[str, datetime]]:
        """Serials of revoked devices' certificates, with the dates of revocation."""
        return [
            (device.serial, datetime.fromtimestamp(device.revoked_at, UTC))
            for device in self._snapshot.devices.values()
            if device.serial is not None and device.revoked_at is not None
        ]

    # --- writes ---

    async def add_tenant(
        self, name: str, domains: tuple[str, ...], policy: TenantPolicy | None = None
    ) -> Tenant:
        """A new tenant. Raises AlreadyThere if a domain belongs to somebody, UnfitName."""
        names = tuple(dict.fromkeys(domain_name(domain) for domain in domains))
        if not names:
            raise ValueError("a tenant has at least one domain")
        tenant = Tenant(str(uuid4()), fit_display_name(name), names, policy or TenantPolicy())
        rows = [
            {"name": domain, "tenant": tenant.id, "position": position}
            for position, domain in enumerate(names)
        ]

        async def write(connection: AsyncConnection) -> None:
            values = {
                "id": tenant.id,
                "name": tenant.name,
                "policy": policy_as_json(tenant.policy),
            }
            await connection.execute(insert(tables.tenants), values)
            await connection.execute(insert(tables.domains), rows)

        taken = f"a domain of {', '.join(names)} is taken"
        notes = [journalled.of_tenant(Kind.TENANT_ADDED, tenant)]
        await self.change(write, lambda memory: memory.put_tenant(tenant), notes, taken)
        return tenant

    async def set_policy(self, tenant_id: str, policy: TenantPolicy) -> None:
        """A tenant's policy from now on. Raises KeyError if there is no such tenant."""
        before = self._snapshot.tenants[tenant_id]
        tenant = replace(before, policy=policy)
        statement = update(tables.tenants).where(tables.tenants.c.id == tenant_id)
        await self._execute(
            statement.values(policy=policy_as_json(policy)),
            lambda memory: memory.put_tenant(tenant),
            journalled.of_policy(before, policy),
        )

    async def add_person(
        self,
        tenant_id: str,
        user: str,
        *,
        display_name: str,
        email: str = "",
        domain: str | None = None,
        licensed: bool = True,
        password_hash: str | None = None,
        source: str = "",
        external_id: str | None = None,
    ) -> Person:
        """A new person.

        Raises AlreadyThere if the address is taken, UnfitName for a name that can't be, ValueError
        for another tenant's domain, KeyError if there is no such tenant.
        """
        tenant = self._snapshot.tenants[tenant_id]
        domain = domain_name(domain) if domain else tenant.domains[0]
        if domain not in tenant.domains:
            raise ValueError(f"{domain} is not a domain of {tenant.name}")
        name = user_name(user)
        person = Person(
            str(uuid4()), tenant_id, name, domain, fit_display_name(display_name),
            email or f"{name}@{domain}", licensed, enabled=True, source=source,
            external_id=external_id,
        )  # fmt: skip
        await self._execute(
            insert(tables.people).values({**asdict(person), "password_hash": password_hash}),
            lambda memory: memory.put_person(person),
            [journalled.of_person(Kind.PERSON_ADDED, person)],
            f"{person.aor} is taken",
        )
        return person

    async def set_enabled(self, person_id: str, *, enabled: bool) -> None:
        """Whether a person may sign in and send anything. Raises KeyError for an unknown one.

        Disabling ends what the person is signed in with; enabling brings back a removed account.
        """
        before = self._snapshot.people[person_id]
        removed_at = None if enabled else before.removed_at
        person = replace(before, enabled=enabled, removed_at=removed_at)
        statement = update(tables.people).where(tables.people.c.id == person_id)
        kind = Kind.PERSON_ENABLED if enabled else Kind.PERSON_DISABLED

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(statement.values(enabled=enabled, removed_at=removed_at))
            if not enabled:
                await end_sign_ins(connection, person_id, time.time())

        notes = [journalled.of_person(kind, person)]
        await self.change(write, lambda memory: memory.put_person(person), notes)

    async def set_break_glass(self, person_id: str, break_glass: BreakGlass) -> None:
        """Which conditions a person passes in an emergency. Raises KeyError for an unknown one."""
        person = replace(self._snapshot.people[person_id], break_glass=break_glass)
        statement = update(tables.people).where(tables.people.c.id == person_id)
        await self._execute(
            statement.values(break_glass=break_glass.value),
            lambda memory: memory.put_person(person),
            [journalled.of_person(Kind.PERSON_BREAK_GLASS_CHANGED, person)],
        )

    async def set_password(
        self, person_id: str, password_hash: str, *, rehashed: bool = False
    ) -> None:
        """A person's Argon2id hash from now on. Raises KeyError for an unknown one.

        `rehashed`: it is still the same password, hashed anew.
        """
        person = self._snapshot.people[person_id]
        statement = update(tables.people).where(tables.people.c.id == person_id)
        note = journalled.of_person(Kind.PERSON_PASSWORD_CHANGED, person)
        await self._execute(
            statement.values(password_hash=password_hash),
            lambda memory: memory.put_person(person),
            [] if rehashed else [note],
        )

    async def password_hash(self, person_id: str) -> str | None:
        """A person's Argon2id hash; None if there is no password. Read from the store each time."""
        column = tables.people.c.password_hash
        async with self._store.connect() as connection:
            found = await connection.execute(select(column).where(tables.people.c.id == person_id))
            return found.scalar_one_or_none()

    async def add_certificate_device(
        self, person: Person, name: str, serial: str, device_id: str
    ) -> Device:
        """A device that was given a certificate. Raises AlreadyThere if the serial is taken."""
        device = Device(
            device_id, person.id, person.tenant, fit_display_name(name), "certificate", serial,
            None, None,
        )  # fmt: skip
        await self._add_device(device)
        return device

    async def add_digest_device(
        self, person: Person, name: str, *, ha1_sha256: str, ha1_md5: str | None = None
    ) -> Device:
        """A device with a secret of its own; only digests of it are kept."""
        device = Device(
            str(uuid4()), person.id, person.tenant, fit_display_name(name), "digest", None,
            ha1_sha256, ha1_md5,
        )  # fmt: skip
        await self._add_device(device)
        return device

    async def revoke_device(self, device_id: str) -> None:
        """A device proves nothing from now on; the first revocation's date stays.

        Raises KeyError if there is no such device.
        """
        device = self._snapshot.devices[device_id]
        if device.revoked:
            return
        device = replace(device, revoked_at=time.time())
        statement = update(tables.devices).where(tables.devices.c.id == device_id)
        await self._execute(
            statement.values(revoked_at=device.revoked_at),
            lambda memory: memory.put_device(device),
            [self._of_device(Kind.DEVICE_REVOKED, device)],
        )

    # --- inside ---

    async def _add_device(self, device: Device) -> None:
        values = {**asdict(device), "created_at": time.time()}
        await self._execute(
            insert(tables.devices).values(values),
            lambda memory: memory.put_device(device),
            [self._of_device(Kind.DEVICE_ENROLLED, device)],
            "that serial is taken",
        )

    def _of_device(self, kind: Kind, device: Device) -> Note:
        return journalled.of_device(kind, device, self._snapshot.people.get(device.person))

    async def _execute(
        self,
        statement: Any,
        remember: Callable[[Snapshot], None],
        notes: Sequence[Note],
        taken: str = "",
    ) -> None:
        async def write(connection: AsyncConnection) -> None:
            await connection.execute(statement)

        await self.change(write, remember, notes, taken)

    async def change(
        self,
        write: Callable[[AsyncConnection], Awaitable[None]],
        remember: Callable[[Snapshot], None],
        notes: Sequence[Note],
        taken: str = "",
    ) -> None:
        """One transaction, journalled, then remembered and told: for the other files of this folder.

        Raises AlreadyThere, with the text `taken`, if it meets something that is there.
        """
        async with self._one_at_a_time:
            try:
                async with self._store.begin() as connection:
                    await write(connection)
                    number = await raise_revision(connection, "directory")
                    for note in notes:
                        await self._recorder.record(connection, note)
            except IntegrityError as error:
                raise AlreadyThere(taken) from error
            if number == self._revisions.get("directory", 0) + 1:
                remember(self._snapshot)
                self._revisions = {**self._revisions, "directory": number}
            else:  # another process has written in between
                await self._read()
        await self._tell()

    async def _read(self) -> None:
        """Read everything as it was at one moment (PostgreSQL's reads don't stand still)."""
        async with self._store.connect() as connection:
            revisions = await read_revisions(connection)
            while True:
                snapshot = await read_snapshot(connection)
                afterwards = await read_revisions(connection)
                if afterwards["directory"] == revisions["directory"]:
                    break
                revisions = afterwards
        self._snapshot, self._revisions = snapshot, revisions

    async def _tell(self) -> None:
        for callback in self._on_change:
            try:
                await callback()
            except Exception:  # the change is stored; others must hear of it
                _log.exception("directory.listener_failed")

    async def _look(self) -> None:
        async with self._one_at_a_time:
            async with self._store.connect() as connection:
                revisions = await read_revisions(connection)
            if revisions == self._revisions:
                return
            if revisions["directory"] == self._revisions.get("directory"):
                self._revisions = revisions
            else:
                await self._read()
        await self._tell()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._look()
            except Exception:  # the next look may succeed; memory stays as it was
                _log.exception("directory.poll_failed")
