"""Links that give a device its certificate (I4): used once, in time, for that person only, whatever is asked for."""

import re
import sqlite3
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.clients.deployment import Deployment
from tests.clients.https import HostTransport
from tests.clients.namespaces import Host, Network

API = "/api/v1/device-enrolments"
KEY = ec.generate_private_key(ec.SECP256R1())


def browser_of(host: Host, deployment: Deployment) -> httpx.Client:
    transport = HostTransport(host, deployment.authority)
    return httpx.Client(transport=transport, base_url=deployment.origin)


@pytest.fixture
def device(network: Network, deployment: Deployment) -> Iterator[httpx.Client]:
    """A device on a host, and so an address, of its own."""
    with browser_of(network.add_host(), deployment) as device:
        yield device


def link(deployment: Deployment, name: str = "phone", person: str = "alice") -> str:
    said = deployment.vestibule("device", "enroll", person, name, "--link")
    found = re.search(rf"{re.escape(deployment.origin)}/identity/enrol#([A-Za-z0-9_-]{{32}})", said)
    assert found, said
    return found[1]


def request(key: object = KEY, algorithm: object = None, *extensions: x509.ExtensionType) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bob@vestibule.test")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    signed = builder.sign(key, algorithm if algorithm is not None else hashes.SHA256())  # type: ignore[arg-type]
    return signed.public_bytes(Encoding.PEM)


def enrol(device: httpx.Client, code: str, pem: bytes | None = None) -> httpx.Response:
    return device.post(API, json={"code": code, "request": (pem or request()).decode()})


def registers(deployment: Deployment, pem: Path) -> str:
    """What a REGISTER with that certificate alone is answered; the status line."""
    alice = deployment.user("alice").sip
    context = ssl.create_default_context(cafile=str(deployment.authority))
    context.load_cert_chain(pem)
    host, port = deployment.facts["host"], deployment.facts["sip_tls_port"]
    domain = alice.partition("@")[2]
    with (
        deployment.host.connect(host, port, 20.0) as plain,
        context.wrap_socket(plain, server_hostname=host) as line,
    ):
        line.sendall(
            f"REGISTER sip:{domain} SIP/2.0\r\nVia: SIP/2.0/TLS c.invalid;branch=z9hG4bKd1\r\n"
            f"From: <{alice}>;tag=1\r\nTo: <{alice}>\r\nCall-ID: d1\r\nCSeq: 1 REGISTER\r\n"
            "Contact: <sip:alice@192.0.2.1;transport=tls>\r\nContent-Length: 0\r\n\r\n".encode()
        )
        return line.recv(2000).partition(b"\r\n")[0].decode()


def test_a_device_gets_a_certificate_for_a_key_of_its_own(
    device: httpx.Client, deployment: Deployment, tmp_path: Path
) -> None:
    answer = enrol(device, link(deployment, "desk two"))
    assert answer.status_code == 201, answer.text
    pem = answer.json()["certificate"]
    assert "PRIVATE" not in answer.text
    file = tmp_path / "device.pem"
    key = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(key + pem.encode())
    assert registers(deployment, file) == "SIP/2.0 200 OK"
    listed = deployment.vestibule("device", "list", "alice")
    assert re.search(r"desk two +certificate +good", listed), listed
    deployment.revoke_device("alice", "desk two")
    noted = deployment.vestibule("journal", "export", "--kind", "device")
    for kind in ("device.link-made", "device.enrolled"):
        assert kind in noted


def test_whatever_a_request_asks_for_it_gets_what_the_link_says(
    device: httpx.Client, deployment: Deployment
) -> None:
    asks = request(
        KEY,
        hashes.SHA256(),
        x509.BasicConstraints(ca=True, path_length=None),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        x509.SubjectAlternativeName(
            [
                x509.DNSName(deployment.facts["host"]),
                x509.UniformResourceIdentifier("sip:bob@vestibule.test"),
            ]
        ),
    )
    answer = enrol(device, link(deployment), asks)
    leaf = x509.load_pem_x509_certificate(answer.json()["certificate"].encode())
    extensions = leaf.extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    speaks_for, itself = names.get_values_for_type(x509.UniformResourceIdentifier)
    assert speaks_for == deployment.user("alice").sip
    assert itself.startswith("urn:uuid:")
    assert len(list(names)) == 2
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert "bob" not in leaf.subject.rfc4514_string()
    assert leaf.public_key() == KEY.public_key()


def test_a_link_is_good_once_even_for_many_at_once(
    network: Network, deployment: Deployment
) -> None:
    code = link(deployment)
    devices = [browser_of(network.add_host(), deployment) for _ in range(2)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: enrol(devices[n % 2], code).status_code, range(8)))
    assert sorted(answers)[0] == 201
    assert answers.count(201) == 1
    assert set(answers) <= {201, 403, 429}
    assert enrol(devices[0], code).status_code in (403, 429)


def test_a_link_ends(device: httpx.Client, deployment: Deployment) -> None:
    code = link(deployment, "late")
    with sqlite3.connect(deployment.folder / "vestibule.db", timeout=20) as database:
        database.execute("UPDATE enrolment_links SET expires_at = expires_at - 601")
    assert enrol(device, code).status_code == 403
    assert "late" not in deployment.vestibule("device", "list", "alice")


def test_a_link_of_somebody_who_may_not_come_in_is_no_good(
    device: httpx.Client, deployment: Deployment
) -> None:
    code = link(deployment, "his", "bob")
    deployment.vestibule("user", "disable", "bob")
    try:
        assert enrol(device, code).status_code == 403
    finally:
        deployment.vestibule("user", "enable", "bob")


def test_guessing_leads_nowhere_and_is_slowed_down(
    device: httpx.Client, deployment: Deployment, network: Network
) -> None:
    good = link(deployment)
    answers = [enrol(device, f"{n:032}").status_code for n in range(14)]
    assert set(answers) == {403, 429}
    last = enrol(device, good)
    assert last.status_code == 429
    assert int(last.headers["retry-after"]) >= 1
    with browser_of(network.add_host(), deployment) as other:  # others aren't slowed down
        assert enrol(other, good).status_code == 201
    assert "device.link-refused" in deployment.vestibule("journal", "export", "--kind", "device")


def tampered() -> bytes:
    """A request that carries a key which is not its maker's."""
    theirs = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = x509.load_pem_x509_csr(request()).public_bytes(Encoding.DER)
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    swapped = der.replace(KEY.public_key().public_bytes(*spki), theirs.public_bytes(*spki))
    assert swapped != der
    return x509.load_der_x509_csr(swapped).public_bytes(Encoding.PEM)


def request_of_ed25519() -> bytes:
    key = ed25519.Ed25519PrivateKey.generate()
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, None).public_bytes(Encoding.PEM)


SHA1_REQUEST = b"""-----BEGIN CERTIFICATE REQUEST-----
MIG4MGICAQAwADBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGzCdCTq99LBhUNu
oSdaFu13SnKcOFWfPA9W+VOg+38GcIMLFREvFKuc6miCmc5/6T4vNSXbjbwV7X6a
uaYJMAOgADAJBgcqhkjOPQQBA0cAMEQCICq6uh+R3dj/KW1VhM1qbjcrO1YKKICx
NS4g62tZMHBMAiAc2Lu9L41DHHzQaFuh4gAACogfLxnXJ3+e4kyQcCiynA==
-----END CERTIFICATE REQUEST-----
"""
"""By openssl; `cryptography` no longer makes such."""

WEAK: dict[str, Callable[[], bytes]] = {
    "RSA-1024": lambda: request(rsa.generate_private_key(65537, 1024)),
    "RSA with exponent 3": lambda: request(rsa.generate_private_key(3, 2048)),
    "secp256k1": lambda: request(ec.generate_private_key(ec.SECP256K1())),
    "P-224": lambda: request(ec.generate_private_key(ec.SECP224R1())),
    "Ed25519": request_of_ed25519,
    "SHA-1": lambda: SHA1_REQUEST,
    "SHA-224": lambda: request(KEY, hashes.SHA224()),
    "another's key": tampered,
    "no request": lambda: (
        b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"
    ),
    "a certificate": lambda: b"junk",
}


@pytest.mark.parametrize("what", WEAK)
def test_a_weak_or_unproven_key_is_refused_and_the_link_still_good(
    device: httpx.Client, deployment: Deployment, what: str, shared_link: str
) -> None:
    refused = enrol(device, shared_link, WEAK[what]())
    assert refused.status_code == 422, refused.text
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.fixture(scope="module")
def shared_link(deployment: Deployment) -> Iterator[str]:
    """A link that nothing unfit uses up: it is good in the end."""
    code = link(deployment, "in the end")
    yield code
    with browser_of(deployment.host, deployment) as last:
        assert enrol(last, code).status_code == 201


def test_codes_are_kept_as_hashes_only(deployment: Deployment) -> None:
    code = link(deployment)
    for file in deployment.folder.rglob("*"):
        if file.is_file() and not file.is_socket():
            assert code.encode() not in file.read_bytes(), file
    assert code not in deployment.log.read_text()
    assert code not in deployment.vestibule("journal", "export")
