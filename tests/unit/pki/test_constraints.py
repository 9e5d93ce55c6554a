"""What our issuing authority may sign for, as strangers' verifiers see it."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.pki.deployment import CRL_BASE, NAMES, Clock
from vestibule.pki import certificates
from vestibule.pki.authority import Authority
from vestibule.pki.files import certificate_pem, read_certificate, read_key


def openssl_accepts(authority: Authority, leaf: Path) -> bool:
    said = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-CAfile", authority.folder / "root.pem",
         "-untrusted", authority.folder / "issuing.pem", leaf],
        capture_output=True, check=False,
    )  # fmt: skip
    return said.returncode == 0


@pytest.mark.parametrize(
    ("names", "permitted"),
    [
        (["host.test"], True),
        (["sub.host.test", "10.0.0.7"], True),
        (["127.0.0.1", "fd00::7"], True),
        (["bank.test"], False),
        (["nothost.test"], False),
        (["1.1.1.1"], False),
        (["2606:4700::1111"], False),
    ],
)
def test_a_thief_of_the_issuing_key_can_not_be_anybody(
    authority: Authority, tmp_path: Path, names: list[str], permitted: bool
) -> None:
    issuer = certificates.Issuer(
        read_certificate(authority.folder / "issuing.pem"),
        read_key(authority.folder / "issuing.key"),
        f"{CRL_BASE}/issuing.crl",
    )
    leaf = certificates.server_certificate(
        certificates.new_leaf_key(), names, issuer, certificates.utc_now()
    )
    (tmp_path / "leaf.pem").write_bytes(certificate_pem(leaf))
    assert openssl_accepts(authority, tmp_path / "leaf.pem") is permitted
    if permitted:
        authority.issue_node(names)
    else:
        with pytest.raises(ValueError, match="may not sign for"):
            authority.issue_node(names)


def test_devices_are_not_touched_by_it(authority: Authority, tmp_path: Path) -> None:
    credential = authority.enroll(
        "sip:alice@elsewhere.test", "5b5ee2a4-0000-4000-8000-000000000000"
    )
    (tmp_path / "device.pem").write_bytes(credential.pem)
    assert openssl_accepts(authority, tmp_path / "device.pem")


def test_a_domain_that_comes_later_needs_the_roots_key(authority: Authority, clock: Clock) -> None:
    more = (*NAMES, "new.test")
    root_key = (authority.folder / "root.key").read_bytes()
    (authority.folder / "root.key").unlink()
    assert not authority.renew_issuing(more)
    with pytest.raises(ValueError, match=r"root\.key"):
        authority.issue_server(more)
    (authority.folder / "root.key").write_bytes(root_key)
    (authority.folder / "root.key").chmod(0o600)
    clock.pass_by(timedelta(seconds=1))
    assert authority.renew_issuing(more)
    authority.issue_server(more)
