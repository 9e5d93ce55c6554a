"""`vestibule device`, `cert` and `meeting`."""

import stat

from cryptography import x509

from tests.unit.cli.installation import Installation


def test_a_device_is_enrolled_into_one_private_file(installation: Installation) -> None:
    path = installation.folder / "phone.pem"
    installation.do("device", "enroll", "admin", "desk", "--out", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    leaf, _ = x509.load_pem_x509_certificates(path.read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    speaks_for, itself = names.get_values_for_type(x509.UniformResourceIdentifier)
    assert speaks_for == "sip:admin@example.org"
    assert itself.removeprefix("urn:uuid:") in installation.do("device", "list", "admin")


def test_a_file_that_is_there_is_not_replaced(installation: Installation) -> None:
    path = installation.folder / "phone.pem"
    path.write_text("mine")
    said = installation.refusal("device", "enroll", "admin", "desk", "--out", str(path))
    assert "--out" in said
    assert path.read_text() == "mine"
    assert "desk" not in installation.do("device", "list", "admin")


def test_a_secret_needs_the_tenants_leave(installation: Installation) -> None:
    assert "--device-digest" in installation.refusal("device", "secret", "admin", "old phone")
    installation.do("policy", "set", "--device-digest")
    first = installation.do("device", "secret", "admin", "old phone")
    assert first.startswith("user name  admin  secret")
    assert first != installation.do("device", "secret", "admin", "old phone")


def test_a_device_is_revoked(installation: Installation) -> None:
    path = installation.folder / "phone.pem"
    installation.do("device", "enroll", "admin", "desk", "--out", str(path))
    device_id = installation.do("device", "list", "admin").splitlines()[1].split()[0]
    installation.do("device", "revoke", device_id)
    assert installation.do("device", "list", "admin").splitlines()[1].split()[-1] == "revoked"
    assert "vestibule device list" in installation.refusal("device", "revoke", "nothing")


def test_the_authority_is_shown(installation: Installation) -> None:
    said = installation.do("cert", "show")
    assert str(installation.data / "pki" / "authority.pem") in said
    for name in ("root", "issuing", "server"):
        assert f"\n{name} " in said


def test_a_meeting_is_created_by_who_may(installation: Installation) -> None:
    said = installation.do("meeting", "create", "admin", "Budget [draft]")
    link = said.split()[1]
    assert link.startswith("https://meet.example.org/meet/admin/")
    listed = installation.do("meeting", "list", "admin")
    assert link in listed
    assert "Budget [draft]" in listed
    installation.do("user", "add", "guest", "--unlicensed")
    assert "may not create" in installation.refusal("meeting", "create", "guest", "x")


def test_a_link_is_printed_once_and_kept_as_a_hash(installation: Installation) -> None:
    said = installation.do("device", "enroll", "admin", "desk", "--link")
    link = said.split()[-1]
    assert link.startswith("https://meet.example.org/identity/enrol#")
    assert "10 minutes" in said
    assert link != installation.do("device", "enroll", "admin", "desk", "--link").split()[-1]
    assert "desk" not in installation.do("device", "list", "admin")
    code = link.partition("#")[2].encode()
    assert all(code not in f.read_bytes() for f in installation.data.rglob("*") if f.is_file())
    assert "exclude" in installation.refusal(
        "device", "enroll", "admin", "desk", "--link", "--out", "x.pem"
    )


def test_a_meeting_gets_a_new_link(installation: Installation) -> None:
    link = installation.do("meeting", "create", "admin", "Budget").split()[1]
    meeting_id = link.rpartition("#")[0].rpartition("/")[2]
    new = installation.do("meeting", "replace-key", "admin", meeting_id).split()[1]
    assert new.rpartition("#")[0] == link.rpartition("#")[0]
    assert new != link
    assert new in installation.do("meeting", "list", "admin")
    assert "vestibule meeting list admin" in installation.refusal(
        "meeting", "replace-key", "admin", "A" * 22
    )
