"""`vestibule cert list`, `issue`, `revoke` and `renew`."""

import stat

from cryptography import x509

from tests.unit.cli.installation import Installation


def rows(installation: Installation) -> list[list[str]]:
    """Serial, for whom, and state, of each certificate."""
    lines = installation.do("cert", "list").splitlines()[1:]
    return [[line.split()[0], line.split()[1], line.split()[-1]] for line in lines]


def test_everything_that_was_issued_is_listed(installation: Installation) -> None:
    path = installation.folder / "phone.pem"
    installation.do("device", "enroll", "admin", "desk", "--out", str(path))
    listed = {holder: state for _, holder, state in rows(installation)}
    assert listed == {"admin@example.org": "good", "meet.example.org": "good"}


def test_a_node_gets_one_private_file(installation: Installation) -> None:
    path = installation.folder / "node.pem"
    installation.do("cert", "issue", "Node2.example.org", "10.0.0.7", "--out", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    leaf, _ = x509.load_pem_x509_certificates(path.read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["node2.example.org"]
    assert list(map(str, names.get_values_for_type(x509.IPAddress))) == ["10.0.0.7"]
    assert [f"{leaf.serial_number:x}", "node2.example.org", "good"] in rows(installation)
    again = installation.refusal("cert", "issue", "node2.example.org", "--out", str(path))
    assert "--out" in again
    other = installation.refusal("cert", "issue", "bank.example", "--out", str(path) + "2")
    assert "may not sign for bank.example" in other
    bad = installation.refusal("cert", "issue", "not a host", "--out", str(path) + "2")
    assert "not a host or domain name" in bad


def test_a_certificate_is_revoked_by_its_serial(installation: Installation) -> None:
    path = installation.folder / "node.pem"
    installation.do("cert", "issue", "node2.example.org", "--out", str(path))
    serial = f"{x509.load_pem_x509_certificate(path.read_bytes()).serial_number:x}"
    installation.do("cert", "revoke", serial.upper())
    assert [serial, "node2.example.org", "revoked"] in rows(installation)
    assert "cert list" in installation.refusal("cert", "revoke", "abcdef")
    assert "cert list" in installation.refusal("cert", "revoke", "../../etc/passwd")


def test_a_device_loses_its_right_with_its_certificate(installation: Installation) -> None:
    path = installation.folder / "phone.pem"
    installation.do("device", "enroll", "admin", "desk", "--out", str(path))
    serial = next(row[0] for row in rows(installation) if row[1] == "admin@example.org")
    installation.do("cert", "revoke", serial)
    assert [serial, "admin@example.org", "revoked"] in rows(installation)
    assert installation.do("device", "list", "admin").splitlines()[1].split()[-1] == "revoked"


def test_the_server_is_renewed_now(installation: Installation) -> None:
    before = (installation.data / "pki" / "server.pem").read_bytes()
    assert "UTC" in installation.do("cert", "renew")
    assert (installation.data / "pki" / "server.pem").read_bytes() != before
