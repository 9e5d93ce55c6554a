"""Everything the directory holds, indexed for reads that never wait."""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.directory.identity_provider import IdentityProvider, provider_settings_from
from vestibule.directory.model import BreakGlass, Device, Person, Tenant
from vestibule.directory.policy import policy_from
from vestibule.store import tables


@dataclass(slots=True)
class Snapshot:
    """Indexes over the tables. `put_…` adds or replaces by id, in constant time."""

    tenants: dict[str, Tenant] = field(default_factory=dict)
    tenant_of_domain: dict[str, Tenant] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    people_by_aor: dict[str, Person] = field(default_factory=dict)
    people_of_tenant: dict[str, dict[str, Person]] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    devices_by_serial: dict[str, Device] = field(default_factory=dict)
    devices_of_person: dict[str, dict[str, Device]] = field(default_factory=dict)
    identity_providers: dict[str, IdentityProvider] = field(default_factory=dict)

    def put_tenant(self, tenant: Tenant) -> None:
        """A tenant with its domains."""
        self.tenants[tenant.id] = tenant
        self.tenant_of_domain.update(dict.fromkeys(tenant.domains, tenant))

    def put_person(self, person: Person) -> None:
        """A person; addresses never change."""
        self.people[person.id] = person
        self.people_by_aor[person.aor] = person
        self.people_of_tenant.setdefault(person.tenant, {})[person.id] = person

    def put_device(self, device: Device) -> None:
        """A device; serials never change."""
        self.devices[device.id] = device
        if device.serial is not None:
            self.devices_by_serial[device.serial] = device
        self.devices_of_person.setdefault(device.person, {})[device.id] = device

    def put_identity_provider(self, provider: IdentityProvider) -> None:
        """An identity provider."""
        self.identity_providers[provider.name] = provider

    def forget_identity_provider(self, name: str) -> None:
        """It is no more."""
        self.identity_providers.pop(name, None)


async def read_snapshot(connection: AsyncConnection) -> Snapshot:
    """Read all tenants, people, devices and identity providers."""
    snapshot = Snapshot()
    domains: dict[str, list[str]] = {}
    for row in await connection.execute(select(tables.domains).order_by("position")):
        domains.setdefault(row.tenant, []).append(row.name)
    for row in await connection.execute(select(tables.tenants)):
        names = tuple(domains.get(row.id, ()))
        snapshot.put_tenant(Tenant(row.id, row.name, names, policy_from(row.policy)))
    people = select(*(c for c in tables.people.c if c is not tables.people.c.password_hash))
    for row in await connection.execute(people):
        snapshot.put_person(
            Person(
                row.id, row.tenant, row.user, row.domain, row.display_name, row.email,
                row.licensed, row.enabled, BreakGlass(row.break_glass), row.source,
                row.external_id, row.removed_at,
            )
        )  # fmt: skip
    for row in await connection.execute(select(tables.devices).order_by("created_at")):
        snapshot.put_device(
            Device(
                row.id, row.person, row.tenant, row.name, row.kind, row.serial,
                row.ha1_sha256, row.ha1_md5, row.revoked_at,
            )
        )  # fmt: skip
    for row in await connection.execute(select(tables.identity_providers).order_by("name")):
        settings = provider_settings_from(row.settings)
        snapshot.put_identity_provider(
            IdentityProvider(
                row.name, row.tenant, row.issuer, row.client_id, row.sealed_secret, settings
            )
        )
    return snapshot
