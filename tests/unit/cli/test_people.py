"""`vestibule user`, `tenant` and `policy`."""

import asyncio

import pytest

from tests.unit.cli.installation import Installation, password_in
from vestibule.cli.new_password import hash_password, is_password, new_password
from vestibule.cli.workspace import open_workspace
from vestibule.config import load_settings


def has_password(installation: Installation, user: str, password: str) -> bool:
    async def look() -> bool:
        async with open_workspace(load_settings(installation.config)) as workspace:
            person = workspace.person(user)
            return await is_password(await workspace.directory.password_hash(person.id), password)

    return asyncio.run(look())


def test_a_person_is_added_with_the_password_that_is_printed(installation: Installation) -> None:
    password = password_in(installation.do("user", "add", "Alice", "--display-name", "Alice A."))
    assert has_password(installation, "alice", password)
    assert "Alice A." in installation.do("user", "list")


def test_a_new_password_ends_the_old_one(installation: Installation) -> None:
    old = password_in(installation.do("user", "add", "alice"))
    new = password_in(installation.do("user", "passwd", "alice"))
    assert has_password(installation, "alice", new)
    assert not has_password(installation, "alice", old)


def test_a_person_is_disabled_and_enabled(installation: Installation) -> None:
    assert "disabled" in installation.do("user", "disable", "admin")
    assert installation.do("user", "list").splitlines()[1].split()[-1] == "no"
    assert "enabled" in installation.do("user", "enable", "sip:admin@example.org")
    assert installation.do("user", "list").splitlines()[1].split()[-1] == "yes"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("user", "add", "admin"), "is taken"),
        (("user", "add", "a/b"), "can't be a user name"),
        (("user", "add", "alice", "--domain", "else.test"), "no tenant has the domain"),
        (("user", "passwd", "nobody"), "vestibule user list"),
        (("tenant", "add", "Thief", "example.org"), "is taken"),
    ],
)
def test_what_cannot_be_is_explained(
    installation: Installation, arguments: tuple[str, ...], reason: str
) -> None:
    assert reason in installation.refusal(*arguments)


def test_names_are_not_read_as_markup(installation: Installation) -> None:
    installation.do("user", "add", "alice", "--display-name", "[red]Alice[/red]")
    assert "[red]Alice[/red]" in installation.do("user", "list")


def test_tenants_are_told_apart(installation: Installation) -> None:
    said = installation.do("tenant", "add", "Other", "other.test")
    assert "other.test under `domains`" in said
    assert "--domain (example.org, other.test)" in installation.refusal("user", "add", "alice")
    installation.do("user", "add", "alice", "--domain", "example.org")
    installation.do("user", "add", "alice", "--domain", "other.test")
    said = installation.refusal("user", "passwd", "alice")
    assert "alice@example.org or alice@other.test" in said
    assert "other.test" in installation.do("user", "passwd", "alice@other.test")
    assert "example.org" not in installation.do("user", "list", "--domain", "other.test")
    assert "Other" in installation.do("tenant", "list")


def test_a_policy_changes_only_where_told(installation: Installation) -> None:
    before = installation.do("policy", "show")
    after = installation.do("policy", "set", "--device-digest", "--lobby-timeout", "60")
    changed = set(after.splitlines()) - set(before.splitlines())
    assert {line.split()[0] for line in changed} == {"device_digest", "lobby_timeout"}
    assert installation.do("policy", "show") == after


def test_new_passwords_are_long_and_never_alike() -> None:
    passwords = {new_password() for _ in range(1000)}
    assert len(passwords) == 1000
    assert {len(password) for password in passwords} == {20}


async def test_no_password_is_right_where_there_is_none() -> None:
    assert not await is_password(None, "whatever-it-is")
    assert await is_password(await hash_password("whatever-it-is", fips=False), "whatever-it-is")
