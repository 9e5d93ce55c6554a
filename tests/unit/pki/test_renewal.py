"""Renewal before expiry, republished CRLs, files for the owner only (K5, K9, K10)."""

import stat
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509

from tests.clients.deadline import eventually_async
from tests.unit.pki.deployment import CRL_BASE, NAMES, Clock, new_authority
from vestibule.pki.authority import Authority
from vestibule.pki.renewal import Renewal

AOR = "sip:alice@vestibule.test"


class Deployment:
    """A renewal over an authority, what is revoked, and how often something was put into use."""

    def __init__(self, authority: Authority, **options: float) -> None:
        self.authority = authority
        self.revoked: list[tuple[str, datetime]] = []
        self.uses = 0
        self.renewal = Renewal(authority, NAMES, lambda: self.revoked, self._use, **options)

    def _use(self) -> None:
        self.uses += 1

    @property
    def server_serial(self) -> int:
        chain, _ = self.authority.server_identity()
        return x509.load_pem_x509_certificate(chain).serial_number

    @property
    def crls(self) -> list[x509.CertificateRevocationList]:
        return [x509.load_der_x509_crl(der) for der in self.authority.crls_der()]


def number(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


@pytest.fixture
async def deployment(authority: Authority) -> AsyncIterator[Deployment]:
    deployment = Deployment(authority)
    yield deployment
    await deployment.renewal.close()


async def test_starting_puts_what_is_good_into_use_without_renewing(
    deployment: Deployment,
) -> None:
    serial = deployment.server_serial
    deployment.renewal.start()
    assert deployment.uses == 1
    assert deployment.server_serial == serial


def test_the_server_is_renewed_when_a_third_of_its_life_is_left(
    deployment: Deployment, clock: Clock
) -> None:
    serial = deployment.server_serial
    clock.pass_by(timedelta(days=59, hours=23))
    deployment.renewal.look()
    assert deployment.server_serial == serial
    clock.pass_by(timedelta(hours=2))
    before = deployment.uses
    deployment.renewal.look()
    assert deployment.server_serial != serial
    assert deployment.uses == before + 1


def test_crls_are_published_anew_at_half_their_life(deployment: Deployment, clock: Clock) -> None:
    root, issuing = map(number, deployment.crls)
    clock.pass_by(timedelta(hours=11))
    deployment.renewal.look()
    assert deployment.uses == 0
    clock.pass_by(timedelta(hours=2))
    deployment.renewal.look()
    assert list(map(number, deployment.crls)) == [root, issuing + 1]
    assert deployment.uses == 1
    clock.pass_by(timedelta(days=15))
    deployment.renewal.look()
    assert list(map(number, deployment.crls)) == [root + 1, issuing + 2]


def test_crls_live_as_long_as_they_say(deployment: Deployment, clock: Clock) -> None:
    ends = [crl.next_update_utc for crl in deployment.crls]
    assert ends == [clock() + timedelta(days=30), clock() + timedelta(hours=24)]


def test_a_revocation_is_published_at_once_and_once(
    deployment: Deployment, authority: Authority, clock: Clock
) -> None:
    serial = authority.enroll(AOR, str(uuid4())).serial
    deployment.revoked.append((serial, clock()))
    deployment.renewal.look()
    deployment.renewal.look()
    assert deployment.uses == 1
    entry = deployment.crls[1].get_revoked_certificate_by_serial_number(int(serial, 16))
    assert entry is not None
    assert entry.revocation_date_utc == clock()


def test_crl_numbers_never_fall_even_if_the_clock_does(
    deployment: Deployment, clock: Clock
) -> None:
    before = list(map(number, deployment.crls))
    clock.pass_by(timedelta(days=-400))
    deployment.renewal.look()
    assert list(map(number, deployment.crls)) == [one + 1 for one in before]
    assert all(crl.last_update_utc <= clock() for crl in deployment.crls)


def test_without_the_roots_key_the_rest_goes_on(deployment: Deployment, clock: Clock) -> None:
    (deployment.authority.folder / "root.key").rename(deployment.authority.folder / "elsewhere")
    clock.pass_by(timedelta(days=25))
    root, issuing = map(number, deployment.crls)
    deployment.renewal.look()
    assert list(map(number, deployment.crls)) == [root, issuing + 1]


def test_the_issuing_certificate_is_renewed_and_old_devices_stay_good(
    deployment: Deployment, authority: Authority, clock: Clock
) -> None:
    issuing = (authority.folder / "issuing.pem").read_bytes()
    clock.pass_by(timedelta(days=1300))
    device = x509.load_pem_x509_certificate(authority.enroll(AOR, str(uuid4())).pem)
    deployment.renewal.look()
    renewed = (authority.folder / "issuing.pem").read_bytes()
    assert renewed != issuing
    device.verify_directly_issued_by(x509.load_pem_x509_certificate(renewed))
    assert authority.server_identity()[0].endswith(renewed)


def a_half_written_renewal(authority: Authority) -> None:
    old_key = (authority.folder / "server.key").read_bytes()
    authority.issue_server(NAMES)
    (authority.folder / "server.key").write_bytes(old_key)


@pytest.mark.parametrize(
    "damage",
    [
        lambda authority: (authority.folder / "server.pem").unlink(),
        lambda authority: (authority.folder / "server.key").unlink(),
        lambda authority: authority.issue_server(("other.host.test",)),
        a_half_written_renewal,
    ],
    ids=["no certificate", "no key", "other names", "a key that does not fit"],
)
def test_a_server_certificate_that_cannot_serve_is_issued_anew(
    deployment: Deployment, authority: Authority, damage: Callable[[Authority], None]
) -> None:
    damage(authority)
    deployment.renewal.look()
    assert deployment.uses == 1
    assert not authority.server_needs_renewal(NAMES)


def test_a_new_address_moves_the_place_of_the_crls_everywhere(
    authority: Authority, clock: Clock
) -> None:
    pem = authority.enroll(AOR, str(uuid4())).pem
    moved = Deployment(Authority(authority.folder, "https://host.test:9443/pki", clock))
    moved.renewal.look()
    server, issuing = x509.load_pem_x509_certificates(moved.authority.server_identity()[0])
    for certificate in (server, issuing):
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        assert "https://host.test:9443/pki" in str(points)
    assert moved.authority.device_needs_renewal(pem)
    assert moved.authority.fingerprint() == authority.fingerprint()


async def test_it_looks_by_itself(authority: Authority, clock: Clock) -> None:
    deployment = Deployment(authority, every=0.01)
    deployment.renewal.start()
    clock.pass_by(timedelta(hours=13))
    await eventually_async(lambda: deployment.uses == 2, "the CRL to be renewed", 10.0)
    await deployment.renewal.close()


def test_keys_are_readable_by_their_owner_only(authority: Authority) -> None:
    folder = authority.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.key")}
    assert modes == dict.fromkeys(("root.key", "issuing.key", "server.key"), 0o600)


def test_a_key_that_others_can_read_is_refused(authority: Authority) -> None:
    (authority.folder / "issuing.key").chmod(0o640)
    with pytest.raises(PermissionError, match="chmod 600"):
        authority.enroll(AOR, str(uuid4()))


def test_an_authority_is_never_replaced(tmp_path: Path, authority: Authority) -> None:
    fingerprint = authority.fingerprint()
    with pytest.raises(FileExistsError):
        new_authority(tmp_path, Clock())
    again = Authority(authority.folder, CRL_BASE)
    assert again.fingerprint() == fingerprint


async def test_what_another_process_does_is_noticed_within_moments(authority: Authority) -> None:
    deployment = Deployment(authority, notice=0.01)
    deployment.renewal.start()
    beside = Authority(authority.folder, CRL_BASE)
    beside.issue_server(NAMES)
    serial = f"{deployment.server_serial:x}"
    await eventually_async(lambda: deployment.uses > 1, "the new certificate is used")
    beside.revoke(serial)
    await eventually_async(
        lambda: any(f"{entry.serial_number:x}" == serial for entry in deployment.crls[1]),
        "the CRL lists it",
    )
    await deployment.renewal.close()
