"""Everything the directory holds, read in one go and indexed for reads that never wait."""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.directory.model import Access, Device, Person, Presenting, Tenant, TenantPolicy
from vestibule.store import tables


@dataclass(slots=True)
class Snapshot:
    """Indexes over one reading of the tables."""

    tenants: dict[str, Tenant] = field(default_factory=dict)
    tenant_of_domain: dict[str, Tenant] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    people_by_aor: dict[str, Person] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    devices_by_serial: dict[str, Device] = field(default_factory=dict)
    devices_of_person: dict[str, tuple[Device, ...]] = field(default_factory=dict)


async def read_snapshot(connection: AsyncConnection) -> Snapshot:
    """Read all tenants, people and devices."""
    snapshot = Snapshot()
    domains: dict[str, list[str]] = {}
    for row in await connection.execute(select(tables.domains).order_by("position")):
        domains.setdefault(row.tenant, []).append(row.name)
    for row in await connection.execute(select(tables.tenants)):
        names = tuple(domains.get(row.id, ()))
        tenant = Tenant(row.id, row.name, names, policy_from(row.policy))
        snapshot.tenants[tenant.id] = tenant
        snapshot.tenant_of_domain.update(dict.fromkeys(names, tenant))
    for row in await connection.execute(select(tables.people)):
        person = Person(
            row.id, row.tenant, row.user, row.domain, row.display_name, row.email,
            row.licensed, row.enabled,
        )  # fmt: skip
        snapshot.people[person.id] = person
        snapshot.people_by_aor[person.aor] = person
    for row in await connection.execute(select(tables.devices).order_by("created_at")):
        _add_device(
            snapshot,
            Device(
                row.id, row.person, row.tenant, row.name, row.kind, row.serial,
                row.ha1_sha256, row.ha1_md5, row.revoked_at,
            ),
        )  # fmt: skip
    return snapshot


def _add_device(snapshot: Snapshot, device: Device) -> None:
    snapshot.devices[device.id] = device
    if device.serial is not None:
        snapshot.devices_by_serial[device.serial] = device
    others = snapshot.devices_of_person.get(device.person, ())
    snapshot.devices_of_person[device.person] = (*others, device)


def policy_from(stored: dict[str, object]) -> TenantPolicy:
    """A policy from its JSON; what it does not name keeps its default."""
    default = TenantPolicy()
    timeout = stored.get("lobby_timeout", default.lobby_timeout)
    return TenantPolicy(
        device_digest=bool(stored.get("device_digest", default.device_digest)),
        device_digest_md5=bool(stored.get("device_digest_md5", default.device_digest_md5)),
        access=Access(stored.get("access", default.access)),
        presenting=Presenting(stored.get("presenting", default.presenting)),
        lobby_timeout=float(timeout) if isinstance(timeout, int | float) else default.lobby_timeout,
        phones_bypass_lobby=bool(stored.get("phones_bypass_lobby", default.phones_bypass_lobby)),
    )
