"""A device's client certificate: the connection's handshake proved its key (I4)."""

from typing import Protocol

from vestibule.directory.model import Device, Person
from vestibule.identity.flow_facts import FlowFacts
from vestibule.identity.principal import Kind, Mechanism, Principal


class Devices(Protocol):
    """What of the directory is needed here."""

    def device_by_serial(self, serial: str) -> Device | None:
        """The device whose certificate it is."""

    def person_by_id(self, person_id: str) -> Person | None:
        """The person of that id."""


def prove_by_certificate(facts: FlowFacts, devices: Devices) -> Principal | None:
    """Whose device the connection is; None if it has none, or one that is revoked or disowned."""
    certificate = facts.certificate
    device = devices.device_by_serial(certificate.serial) if certificate else None
    if certificate is None or device is None or device.revoked:
        return None
    person = devices.person_by_id(device.person)
    if person is None or not person.enabled:
        return None
    if {person.aor, f"urn:uuid:{device.id}"} - set(certificate.uris):
        return None
    return member(person, Mechanism.CERTIFICATE, device.id)


def member(person: Person, mechanism: Mechanism, device: str | None = None) -> Principal:
    """The principal that a person of ours is."""
    return Principal(Kind.MEMBER, person.aor, person.tenant, person.display_name, mechanism, device)
