"""The directory: reads from memory, writes that are durable before they return.

What another process writes (the command line beside a running server) is noticed by the revision row, which
every change raises.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.directory.model import Device, Person, Tenant, TenantPolicy
from vestibule.directory.snapshot import Snapshot, read_snapshot
from vestibule.store import tables
from vestibule.store.engine import Store

POLL_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class AlreadyThere(Exception):
    """A domain, address or name that is taken; the message says which."""


class Directory:
    """All tenants, strictly apart: a person is found by its own address or id only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._snapshot = Snapshot()
        self._revision = -1
        self._poller: asyncio.Task[None] | None = None
        self._on_change: list[Callable[[], Awaitable[None]]] = []

    # --- life ---

    async def load(self) -> None:
        """Read everything."""
        async with self._store.connect() as connection:
            self._revision = await _revision_of(connection)
            self._snapshot = await read_snapshot(connection)

    def on_change(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Call back after each change that was noticed, ours or another process's."""
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
        people = (p for p in self._snapshot.people.values() if p.tenant == tenant_id)
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

    def device(self, device_id: str) -> Device | None:
        """The device with that id."""
        return self._snapshot.devices.get(device_id)

    def device_by_serial(self, serial: str) -> Device | None:
        """The device whose certificate has that serial number (lower-case hexadecimal)."""
        return self._snapshot.devices_by_serial.get(serial)

    def devices_of(self, person_id: str) -> tuple[Device, ...]:
        """Every device of a person, revoked ones too."""
        return self._snapshot.devices_of_person.get(person_id, ())

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
        """A new tenant. Raises AlreadyThere if a domain belongs to somebody."""
        tenant = Tenant(
            str(uuid4()), name, tuple(d.lower() for d in domains), policy or TenantPolicy()
        )

        async def write(connection: AsyncConnection) -> None:
            values = {"id": tenant.id, "name": name, "policy": asdict(tenant.policy)}
            await connection.execute(insert(tables.tenants), values)
            rows = [
                {"name": domain, "tenant": tenant.id, "position": position}
                for position, domain in enumerate(tenant.domains)
            ]
            await connection.execute(insert(tables.domains), rows)

        await self._change(write, f"a domain of {', '.join(domains)} is taken")
        return tenant

    async def set_policy(self, tenant_id: str, policy: TenantPolicy) -> None:
        """A tenant's policy from now on."""
        statement = update(tables.tenants).where(tables.tenants.c.id == tenant_id)
        await self._execute(statement.values(policy=asdict(policy)))

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
    ) -> Person:
        """A new person. Raises AlreadyThere if the address is taken, ValueError for a foreign domain."""
        tenant = self._snapshot.tenants[tenant_id]
        domain = (domain or tenant.domains[0]).lower()
        if domain not in tenant.domains:
            raise ValueError(f"{domain} is not a domain of {tenant.name}")
        person = Person(
            str(uuid4()), tenant_id, user.lower(), domain, display_name,
            email or f"{user}@{domain}", licensed, enabled=True,
        )  # fmt: skip
        values = {**asdict(person), "password_hash": password_hash}
        await self._execute(insert(tables.people).values(values), f"{person.aor} is taken")
        return person

    async def set_enabled(self, person_id: str, *, enabled: bool) -> None:
        """Whether a person may sign in and send anything."""
        statement = update(tables.people).where(tables.people.c.id == person_id)
        await self._execute(statement.values(enabled=enabled))

    async def set_password(self, person_id: str, password_hash: str) -> None:
        """A person's Argon2id hash from now on."""
        statement = update(tables.people).where(tables.people.c.id == person_id)
        await self._execute(statement.values(password_hash=password_hash))

    async def password_hash(self, person_id: str) -> str | None:
        """A person's Argon2id hash; None if there is no password. Read from the store each time."""
        column = tables.people.c.password_hash
        async with self._store.connect() as connection:
            found = await connection.execute(select(column).where(tables.people.c.id == person_id))
            return found.scalar_one_or_none()

    async def add_certificate_device(
        self, person: Person, name: str, serial: str, device_id: str
    ) -> Device:
        """A device that was given a certificate."""
        device = Device(
            device_id, person.id, person.tenant, name, "certificate", serial, None, None,
        )  # fmt: skip
        await self._add_device(device)
        return device

    async def add_digest_device(
        self, person: Person, name: str, *, ha1_sha256: str, ha1_md5: str | None = None
    ) -> Device:
        """A device with a secret of its own; only digests of it are kept."""
        device = Device(
            str(uuid4()), person.id, person.tenant, name, "digest", None, ha1_sha256, ha1_md5,
        )  # fmt: skip
        await self._add_device(device)
        return device

    async def revoke_device(self, device_id: str) -> None:
        """A device proves nothing from now on."""
        statement = update(tables.devices).where(tables.devices.c.id == device_id)
        await self._execute(statement.values(revoked_at=time.time()))

    # --- inside ---

    async def _add_device(self, device: Device) -> None:
        values = {**asdict(device), "created_at": time.time()}
        await self._execute(insert(tables.devices).values(values), "that serial is taken")

    async def _execute(self, statement: Any, taken: str = "") -> None:
        async def write(connection: AsyncConnection) -> None:
            await connection.execute(statement)

        await self._change(write, taken)

    async def _change(
        self, write: Callable[[AsyncConnection], Awaitable[None]], taken: str
    ) -> None:
        try:
            async with self._store.begin() as connection:
                await write(connection)
                await raise_revision(connection)
        except IntegrityError as error:
            raise AlreadyThere(taken) from error
        await self._reload()

    async def _reload(self) -> None:
        await self.load()
        for callback in self._on_change:
            await callback()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                async with self._store.connect() as connection:
                    revision = await _revision_of(connection)
                if revision != self._revision:
                    await self._reload()
            except Exception:  # noqa: BLE001 - the next look may succeed; memory stays as it was
                _log.exception("directory.poll_failed")


async def raise_revision(connection: AsyncConnection) -> None:
    """Note within a transaction that something has changed."""
    table = tables.revisions
    statement = update(table).where(table.c.name == "directory")
    await connection.execute(statement.values(number=table.c.number + 1))


async def _revision_of(connection: AsyncConnection) -> int:
    table = tables.revisions
    found = await connection.execute(select(table.c.number).where(table.c.name == "directory"))
    return found.scalar_one()


def new_device_secret() -> str:
    """A random secret for one device: 128 bits, typed once into a phone."""
    return secrets.token_urlsafe(16)
