"""`vestibule directory import-ldap` against OpenLDAP: dry, for real, by TLS only, and never too much at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import TestAuthority
from tests.clients.slapd import ADMIN, ANOTHER_ADDRESS, BASE, PASSWORD, Slapd, slapd
from tests.unit.cli.installation import Installation
from vestibule.directory.ldap_source import PAGE

AUTHORITY = TestAuthority("Directory")


@pytest.fixture
def ldap(tmp_path: Path) -> Iterator[Slapd]:
    with slapd(tmp_path / "slapd", AUTHORITY) as running:
        yield running


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    installation = Installation(tmp_path)
    installation.init()
    (tmp_path / "password").write_text(PASSWORD + "\n")
    return installation


def command(
    installation: Installation, ldap: Slapd, *more: str, url: str = "", password: str = "password"
) -> tuple[str, ...]:
    return (
        "directory", "import-ldap", url or f"ldaps://localhost:{ldap.tls_port}", "--base", BASE,
        "--bind", ADMIN, "--password-file", str(installation.folder / password),
        "--ca", str(ldap.authority), *more,
    )  # fmt: skip


def test_people_come_change_and_vanish(installation: Installation, ldap: Slapd) -> None:
    ldap.add("alice", "Alice A.", mail="a@mail.test")
    ldap.add("bob", "Bob B.")
    ldap.add("o'brien", "Can't be")
    dry = installation.do(*command(installation, ldap))
    assert "2 added, 0 changed, 0 disabled if you say --apply" in dry
    assert "can't be a user name" in dry
    assert "alice" not in installation.do("user", "list")
    installation.do(*command(installation, ldap, "--apply"))
    assert "Alice A." in installation.do("user", "list")
    assert "0 added, 0 changed, 0 disabled" in installation.do(*command(installation, ldap))
    ldap.run("ldapmodify", f"dn: uid=alice,{BASE}\nreplace: cn\ncn: Alice Z.\n")
    ldap.remove("bob")
    too_much = installation.refusal(*command(installation, ldap, "--apply"))
    assert "1 of 2 imported people would be disabled" in too_much
    assert "Alice Z." not in installation.do("user", "list"), "all of it or nothing"
    installation.do(*command(installation, ldap, "--apply", "--most-disabled", "50"))
    people = {line.split()[0]: line for line in installation.do("user", "list").splitlines()}
    assert "Alice Z." in people["sip:alice@example.org"]
    assert people["sip:bob@example.org"].split()[-1] == "no"
    ldap.add("bob", "Another Bob")
    assert "belonged to another entry" in installation.do(*command(installation, ldap))
    assert "person.disabled" in installation.do("journal", "export")


def test_an_empty_answer_disables_nobody(installation: Installation, ldap: Slapd) -> None:
    ldap.add("alice", "Alice")
    installation.do(*command(installation, ldap, "--apply"))
    wrong = command(installation, ldap, "--apply", "--filter", "(objectClass=device)")
    assert "would be disabled" in installation.refusal(*wrong)
    assert installation.do("user", "list").splitlines()[2].split()[-1] == "yes"


def test_who_is_disabled_here_stays_so(installation: Installation, ldap: Slapd) -> None:
    ldap.add("alice", "Alice")
    installation.do(*command(installation, ldap, "--apply"))
    installation.do("user", "disable", "alice")
    assert "disabled here" in installation.do(*command(installation, ldap, "--apply"))
    again = installation.do(*command(installation, ldap, "--apply", "--enable"))
    assert "1 changed" in again


def test_an_account_for_emergencies_is_not_taken_over(
    installation: Installation, ldap: Slapd
) -> None:
    ldap.add("admin", "Somebody Else")
    installation.do("user", "break-glass", "admin")
    assert "for emergencies" in installation.do(*command(installation, ldap, "--apply"))
    assert "Somebody Else" not in installation.do("user", "list")


def test_more_than_the_server_gives_at_once_comes_in_pages(
    installation: Installation, ldap: Slapd
) -> None:
    people = PAGE + 20  # the server gives 50 at once, 100 in a page
    entries = (
        f"dn: uid=p{n},{BASE}\nobjectClass: inetOrgPerson\nuid: p{n}\ncn: P {n}\nsn: x\n"
        for n in range(people)
    )
    ldap.run("ldapadd", "\n".join(entries))
    said = installation.do(*command(installation, ldap))
    assert f"{people} added" in said


def test_a_group_s_name_is_no_filter(installation: Installation, ldap: Slapd) -> None:
    ldap.add("alice", "Alice")
    ldap.add("bob", "Bob")
    group = f"cn=a*(staff),{BASE}"
    ldap.run("ldapadd", f"dn: {group}\nobjectClass: groupOfNames\ncn: a*(staff)\n"
             f"member: uid=alice,{BASE}\n")  # fmt: skip
    assert "1 added" in installation.do(*command(installation, ldap, "--group", group))
    bent = command(installation, ldap, "--group", "x)(uid=*")
    assert "0 added" in installation.do(*bent)


def test_start_tls_does_and_plaintext_does_not(installation: Installation, ldap: Slapd) -> None:
    ldap.add("alice", "Alice")
    plain = f"ldap://localhost:{ldap.port}"
    assert "1 added" in installation.do(*command(installation, ldap, url=plain))
    for url in (
        f"ldap://{ANOTHER_ADDRESS}:{ldap.port}",
        f"ldaps://{ANOTHER_ADDRESS}:{ldap.tls_port}",
    ):
        said = installation.refusal(*command(installation, ldap, url=url))
        assert "certificate" in said, "it is not for that address"
    other = TestAuthority("Other")
    (installation.folder / "other.pem").write_bytes(other.root_pem)
    for url in (plain, ""):
        installation.refusal(
            *command(installation, ldap, "--ca", str(installation.folder / "other.pem"), url=url)
        )
    assert "use ldaps://" in installation.refusal(
        *command(installation, ldap, url="http://localhost")
    )


def test_a_wrong_or_empty_password_reads_nothing(installation: Installation, ldap: Slapd) -> None:
    (installation.folder / "wrong").write_text("wrong-password-here")
    (installation.folder / "empty").write_text("\n")
    said = installation.refusal(*command(installation, ldap, password="wrong"))
    assert "wrong-password-here" not in said
    assert "empty" in installation.refusal(*command(installation, ldap, password="empty"))
