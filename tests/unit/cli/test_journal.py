"""`vestibule journal`, and what the other commands leave in it."""

import json
import sqlite3

import pytest

from tests.unit.cli.installation import Installation, password_in
from vestibule.journal.checkpoints import PublicKey


def exported(installation: Installation, *arguments: str) -> list[dict[str, str]]:
    lines = installation.do("journal", "export", *arguments).splitlines()
    return [json.loads(line) for line in lines]


def kinds(installation: Installation) -> list[str]:
    found = [entry["kind"] for entry in exported(installation)]
    return [kind for kind in found if kind != "journal.checkpoint"]


def tamper(installation: Installation, statement: str) -> None:
    with sqlite3.connect(installation.data / "vestibule.db") as database:
        database.execute("DROP TRIGGER journal_no_update")
        database.execute("DROP TRIGGER journal_no_delete")
        database.execute(statement)
    database.close()


def test_init_leaves_a_journal_that_verifies(installation: Installation) -> None:
    assert kinds(installation) == ["tenant.added", "person.added", *["certificate.issued"] * 3]
    said = installation.do("journal", "verify").splitlines()
    assert said[0] == "6 entries, all good"
    assert said[1].startswith("head  6:")
    assert said[2].startswith("last checkpoint  5:")


def test_every_command_that_changes_something_is_journalled(installation: Installation) -> None:
    before = len(kinds(installation))
    installation.do("user", "add", "bob")
    installation.do("user", "disable", "bob")
    installation.do("user", "enable", "bob")
    installation.do("user", "passwd", "bob")
    installation.do("policy", "set", "--device-digest", "--access", "anyone")
    installation.do("device", "secret", "bob", "old phone")
    pem = str(installation.folder / "phone.pem")
    installation.do("device", "enroll", "bob", "desk", "--out", pem)
    device = installation.do("device", "list", "bob").splitlines()[1].split()[0]
    installation.do("device", "revoke", device)
    installation.do("meeting", "create", "admin", "Budget")
    installation.do("tenant", "add", "Other", "other.test")
    assert kinds(installation)[before:] == [
        "person.added", "person.disabled", "person.enabled", "person.password-changed",
        "policy.changed", "policy.changed", "device.enrolled", "device.enrolled",
        "certificate.issued", "device.revoked", "meeting.created", "tenant.added",
    ]  # fmt: skip
    assert "all good" in installation.do("journal", "verify")
    assert {entry["actor"].partition(":")[0] for entry in exported(installation)} == {"local"}


def test_no_secret_that_a_command_prints_is_in_the_journal(installation: Installation) -> None:
    printed = [password_in(installation.do("user", "add", "bob"))]
    printed.append(password_in(installation.do("user", "passwd", "bob")))
    installation.do("policy", "set", "--device-digest")
    printed.append(installation.do("device", "secret", "bob", "phone").split()[-1])
    printed.append(installation.do("meeting", "create", "admin").split()[1].split("#")[1])
    everything = installation.do("journal", "export")
    assert not [secret for secret in printed if secret in everything]


def test_entries_are_chosen_by_kind_and_time(installation: Installation) -> None:
    chosen = exported(installation, "--kind", "certificate", "--kind", "tenant.added")
    assert [entry["kind"] for entry in chosen] == ["tenant.added", *["certificate.issued"] * 3]
    assert exported(installation, "--until", "2020-01-01") == []
    since = chosen[1]["time"].removesuffix("Z")
    assert exported(installation, "--since", since)[0]["sequence"] == chosen[1]["sequence"]


def test_syslog_lines_come_one_for_each_entry(installation: Installation) -> None:
    lines = installation.do("journal", "export", "--format", "syslog").splitlines()
    assert len(lines) == 6
    assert all(line.startswith("<109>1 ") and " meet.example.org " in line for line in lines)


def test_tail_shows_the_newest(installation: Installation) -> None:
    lines = installation.do("journal", "tail", "-n", "2", "--kind", "certificate").splitlines()
    assert [line.split()[3] for line in lines] == ["certificate.issued"] * 2
    assert "-> meet.example.org" in lines[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("export", "--kind", "nonsense"), "sign-in.accepted"),
        (("export", "--since", "yesterday"), "2026-03-01T08:00:00"),
        (("verify", "--head", "5:abc"), "NUMBER:HASH"),
        (("verify", "--key", "vestibule.toml"), "vestibule journal key"),
    ],
)
def test_a_wrong_option_says_what_is_right(
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    says: str,
) -> None:
    monkeypatch.chdir(installation.folder)
    assert says in installation.refusal("journal", *arguments)


def test_verify_names_the_entry_that_was_edited(installation: Installation) -> None:
    tamper(installation, "UPDATE journal SET subject = 'sip:eve@example.org' WHERE sequence = 2")
    said = installation.refusal("journal", "verify")
    assert "entry 2 has been edited" in said
    assert "1 entries before it are good" in said


def test_verify_knows_from_outside_the_database_where_the_end_was(
    installation: Installation,
) -> None:
    head = installation.do("journal", "verify").splitlines()[1].split()[1]
    tamper(installation, "DELETE FROM journal WHERE sequence > 3")
    with sqlite3.connect(installation.data / "vestibule.db") as database:
        database.execute(
            "UPDATE journal_head SET sequence = 3, sealed = 0, "
            "hash = (SELECT hash FROM journal WHERE sequence = 3)"
        )
    database.close()
    assert "ends at entry 3" in installation.refusal("journal", "verify")
    assert "cut off" in installation.refusal("journal", "verify", "--head", head)
    (installation.data / "journal" / "checkpoint.json").unlink()
    assert "all good" in installation.do("journal", "verify")
    assert "cut off" in installation.refusal("journal", "verify", "--head", head)


def test_checkpoints_of_another_key_are_foreign(installation: Installation) -> None:
    (installation.data / "journal" / "signing.key").unlink()
    assert "foreign key" in installation.refusal("journal", "verify")


def test_the_public_key_is_printed_and_taken(installation: Installation) -> None:
    pem = installation.do("journal", "key")
    assert PublicKey.read(pem.encode()).pem().decode() == pem
    file = installation.folder / "journal.pem"
    file.write_text(pem)
    assert "all good" in installation.do("journal", "verify", "--key", str(file))
