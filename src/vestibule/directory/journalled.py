"""What the journal is told of the directory's changes; it is written in the same transaction as they."""

from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum

from vestibule.directory.model import Device, Person, Tenant, TenantPolicy
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note


def of_tenant(kind: Kind, tenant: Tenant) -> Note:
    """Something happened to a tenant."""
    details = {Detail.DOMAINS: " ".join(tenant.domains)}
    return Note(kind, tenant=tenant.id, subject=tenant.name, details=details)


def of_policy(before: Tenant, policy: TenantPolicy) -> list[Note]:
    """A tenant's policy changed: one note for each setting that is another now."""
    old, new = asdict(before.policy), asdict(policy)
    return [
        Note(
            Kind.POLICY_CHANGED,
            tenant=before.id,
            subject=before.name,
            details={
                Detail.SETTING: setting,
                Detail.BEFORE: _text(old[setting]),
                Detail.AFTER: _text(new[setting]),
            },
        )
        for setting in old
        if old[setting] != new[setting]
    ]


def of_person(
    kind: Kind,
    person: Person | None,
    *,
    by_themselves: bool = False,
    address: str | None = None,
    details: Mapping[Detail, str] | None = None,
) -> Note:
    """Something happened to an account; without a `person`, to one that nobody knows.

    `by_themselves`: its owner did it, at that `address`.
    """
    aor = person.aor if person else None
    return Note(
        kind,
        tenant=person.tenant if person else None,
        actor=aor if by_themselves else None,
        subject=aor,
        address=address,
        details=details or {},
    )


def of_device(kind: Kind, device: Device, owner: Person | None) -> Note:
    """Something happened to a device; `subject` is its owner."""
    details = {Detail.DEVICE: device.id, Detail.NAME: device.name}
    if device.serial is not None:
        details[Detail.SERIAL] = device.serial
    return Note(
        kind,
        tenant=device.tenant,
        subject=owner.aor if owner else None,
        mechanism=device.kind,
        details=details,
    )


def _text(value: object) -> str:
    return str(value.value if isinstance(value, Enum) else value)
