"""A secret made for one device (I6): only where the tenant's policy allows it, SHA-256 unless it allows more."""

from typing import Protocol

from vestibule.directory.model import Device, Person, Tenant
from vestibule.identity.mechanisms.certificate import member
from vestibule.identity.principal import Mechanism, Principal
from vestibule.sip.digest import DigestResponse
from vestibule.sip.refusal import SipRefusal

_NO_SECRET = "0" * 64


class DigestDirectory(Protocol):
    """What of the directory is needed here."""

    def person(self, aor: str) -> Person | None:
        """The person with that address."""

    def tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant of that id."""

    def digest_devices(self, person_id: str) -> tuple[Device, ...]:
        """A person's devices with a secret, revoked ones left out."""


def algorithms_for(tenant: Tenant | None, *, fips: bool = False) -> tuple[str, ...]:
    """The algorithms that a tenant's devices may use, strongest first; with `fips` never MD5."""
    if tenant is None or not tenant.policy.device_digest:
        return ()
    md5 = tenant.policy.device_digest_md5 and not fips
    return ("SHA-256", "MD5") if md5 else ("SHA-256",)


def prove_by_device(
    response: DigestResponse,
    method: str,
    tenant: Tenant | None,
    directory: DigestDirectory,
    *,
    fips: bool = False,
) -> Principal | None:
    """Whose device it is; None if the proof fails. Raises SipRefusal 403 where policy forbids it.

    An unknown person costs the same work as a known one with a single device (ATTACKS 10).
    """
    if response.algorithm not in algorithms_for(tenant, fips=fips):
        raise SipRefusal(403, headers=(("Reason", 'SIP;cause=403;text="device secrets are off"'),))
    person = directory.person(f"sip:{response.username}@{response.realm}")
    devices = directory.digest_devices(person.id) if person and person.enabled else ()
    secrets = [_secret(device, response.algorithm) for device in devices] or [_NO_SECRET]
    fitting = [response.fits(secret, method) for secret in secrets]
    if person is None or not devices or not any(fitting):
        return None
    return member(person, Mechanism.DEVICE_DIGEST, devices[fitting.index(True)].id)


def _secret(device: Device, algorithm: str) -> str:
    return (device.ha1_md5 if algorithm == "MD5" else device.ha1_sha256) or _NO_SECRET
