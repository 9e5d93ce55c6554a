"""An installation whose issuing key is in SoftHSM: it serves, renews, revokes; its folder lacks the key (K9)."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_pem_private_key,
)

from tests.clients.deadline import eventually
from tests.clients.https import HostTransport
from tests.clients.namespaces import Host, Network, stopping
from tests.clients.softhsm import MODULE, PIN, SoftHsm
from tests.interop.test_own_installation import Admin, connected, revoked

_PEM_KEY = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----", re.S
)
_WRONG = "wrong-pin-0815"


@pytest.fixture
def network() -> Iterator[Network]:
    """Hosts of the test's own."""
    with Network() as network:
        yield network


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    """A token, known to every command that the test types."""
    token = SoftHsm(tmp_path / "softhsm")
    for name, value in token.environment.items():
        monkeypatch.setenv(name, value)
    return token


@pytest.fixture
def admin(network: Network, token: SoftHsm, tmp_path: Path) -> Admin:
    """An admin who first mistook the PIN, then made an installation with its key in the token."""
    folder = tmp_path / "installation"
    folder.mkdir()
    admin = Admin(network.server, folder)
    settings = {
        "VESTIBULE_PKCS11_MODULE": str(MODULE),
        "VESTIBULE_PKCS11_TOKEN": token.label,
        "VESTIBULE_PKCS11_KEY": "issuing",
        "VESTIBULE_PKCS11_PIN_FILE": str(token.pin_file),
    }
    init = ("init", "--host", network.server.address, "--domain", "example.org")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        token.write_pin(_WRONG)
        with pytest.raises(AssertionError, match="refuses the PIN in") as refused:
            admin.types(*init)
        assert _WRONG not in str(refused.value)
        token.write_pin(PIN)
        admin.types(*init)
    return admin


def test_from_init_to_a_renewed_certificate_with_the_key_in_a_token(
    admin: Admin, network: Network, token: SoftHsm, tmp_path: Path
) -> None:
    pki = admin.folder / "vestibule-data" / "pki"
    authority, host = pki / "authority.pem", network.server
    admin.types("device", "enroll", "admin", "desk", "--out", str(tmp_path / "desk.pem"))
    with stopping(admin.serves()) as server:
        eventually(admin.is_up, "the server to listen", 60.0)
        first = served(host, authority)
        assert revoked(host, authority) == set()
        device = re.search(r"^ *(\S+) +desk", admin.types("device", "list", "admin"), re.M)
        assert device
        admin.types("device", "revoke", device[1])
        desk = x509.load_pem_x509_certificate((tmp_path / "desk.pem").read_bytes())
        there = {desk.serial_number}
        eventually(lambda: revoked(host, authority) == there, "the CRL to say so", 20.0)
        assert crl_of(host, authority).is_signature_valid(public_key(pki / "issuing.pem"))
        admin.types("cert", "renew")
        eventually(lambda: served(host, authority) != first, "the renewed certificate", 20.0)
        assert PIN.encode() not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
        assert PIN.encode() not in Path(f"/proc/{server.pid}/environ").read_bytes()
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    assert "Traceback" not in (admin.folder / "serve.log").read_text()
    assert_not_robbed_of_the_key(admin.folder, public_key(pki / "issuing.pem"))
    assert_no_start_with_a_wrong_pin(admin, token)


def assert_not_robbed_of_the_key(folder: Path, issuing: ec.EllipticCurvePublicKey) -> None:
    """Nothing in the installation, database, logs and settings included, is the key or the PIN."""
    keys = []
    for path in (path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert PIN.encode() not in content, path
        keys += [load_pem_private_key(pem, None) for pem in _PEM_KEY.findall(content)]
        keys += der_keys(content)
    assert len(keys) >= 2, "the search finds at least the keys of the root and of the server"
    assert issuing not in [key.public_key() for key in keys]
    assert not list(folder.rglob("issuing.key"))


def der_keys(content: bytes) -> list[ec.EllipticCurvePrivateKey]:
    """The file's key, if it is one."""
    try:
        key = load_der_private_key(content, None)
    except ValueError:
        return []
    return [key] if isinstance(key, ec.EllipticCurvePrivateKey) else []


def assert_no_start_with_a_wrong_pin(admin: Admin, token: SoftHsm) -> None:
    """No server starts with a token that refuses the PIN."""
    token.write_pin(_WRONG)
    with stopping(admin.serves()) as server:
        assert server.wait(30) == 1
    log = (admin.folder / "serve.log").read_text()
    assert "can't start: the token 'vestibule' refuses the PIN in" in " ".join(log.split())
    assert "Traceback" not in log
    assert _WRONG not in log


def served(host: Host, authority: Path) -> bytes:
    """The server's certificate, DER; its chain leads to the root, or this raises."""
    with connected(host, authority, port=443) as line:
        certificate = line.getpeercert(binary_form=True)
    assert certificate
    return certificate


def crl_of(host: Host, authority: Path) -> x509.CertificateRevocationList:
    """The issuing authority's CRL, as it is published."""
    with httpx.Client(transport=HostTransport(host, authority)) as browser:
        answer = browser.get(f"https://{host.address}/pki/issuing.crl")
    return x509.load_der_x509_crl(answer.content)


def public_key(pem: Path) -> ec.EllipticCurvePublicKey:
    """The key of a certificate."""
    key = x509.load_pem_x509_certificate(pem.read_bytes()).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key
