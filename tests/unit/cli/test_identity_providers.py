"""`vestibule identity-provider`: what an admin says about another provider, and what that is refused for."""

from pathlib import Path

import pytest

from tests.unit.cli.installation import Installation

ISSUER = "https://login.example.net/realms/main"


def test_a_provider_is_added_changed_and_removed(
    installation: Installation, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("swordfish-of-the-provider\n")
    said = installation.do(
        "identity-provider", "add", "corp", ISSUER, "vestibule", "--secret-file", str(secret)
    )
    assert "https://meet.example.org/identity/external/corp/callback" in said
    listed = installation.do("identity-provider", "list")
    assert "sign in who is linked" in listed
    installation.do(
        "identity-provider", "add", "corp", ISSUER, "vestibule", "--link-by-email", "example.org",
        "--create-from", "email", "--mfa-method", "mfa",
    )  # fmt: skip
    listed = installation.do("identity-provider", "list")
    assert "link by e-mail in example.org, create from email, second factor by mfa" in listed
    assert "0 people" in installation.do("identity-provider", "remove", "corp")
    assert ISSUER not in installation.do("identity-provider", "list")
    journal = installation.do("journal", "export")
    for kind in ("added", "changed", "removed"):
        assert f"identity-provider.{kind}" in journal
    assert "swordfish" not in journal
    assert b"swordfish" not in (installation.data / "vestibule.db").read_bytes()


def test_an_account_is_linked_once_and_unlinked(installation: Installation) -> None:
    installation.do("identity-provider", "add", "corp", ISSUER, "vestibule")
    installation.do("user", "add", "alice")
    installation.do("identity-provider", "link", "corp", "alice", "248289761001")
    again = installation.refusal("identity-provider", "link", "corp", "admin", "248289761001")
    assert "is linked already" in again
    second = installation.refusal("identity-provider", "link", "corp", "alice", "another")
    assert "is linked already" in second
    installation.do("identity-provider", "unlink", "corp", "alice")
    assert "no account" in installation.refusal("identity-provider", "unlink", "corp", "alice")


def test_another_tenants_people_are_not_to_be_linked(installation: Installation) -> None:
    installation.do("tenant", "add", "Other", "other.test")
    installation.do("user", "add", "bob", "--domain", "other.test")
    installation.do(
        "identity-provider", "add", "corp", ISSUER, "vestibule", "--domain", "example.org"
    )
    said = installation.refusal("identity-provider", "link", "corp", "bob@other.test", "1")
    assert "different tenants" in said


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("Corp!", ISSUER, "x"), "a-z, 0-9 and hyphen"),
        (("corp", "http://login.example.net", "x"), "not an issuer"),
        (("corp", f"{ISSUER}?x=1", "x"), "not an issuer"),
        (("corp", ISSUER, "x", "--link-by-email", "example.net"), "not a domain of"),
        (("corp", ISSUER, "x", "--mfa-method", ""), "can't be a value"),
    ],
)
def test_what_cannot_be_is_explained(
    installation: Installation, arguments: tuple[str, ...], reason: str
) -> None:
    assert reason in installation.refusal("identity-provider", "add", *arguments)


def test_a_name_stays_with_its_issuer(installation: Installation) -> None:
    installation.do("identity-provider", "add", "corp", ISSUER, "vestibule")
    other = installation.refusal("identity-provider", "add", "corp", f"{ISSUER}2", "vestibule")
    assert "remove it first" in other
    assert "is there already" in installation.refusal(
        "identity-provider", "add", "second", ISSUER, "vestibule"
    )


def test_an_inside_address_is_not_asked_unless_listed(installation: Installation) -> None:
    installation.do("identity-provider", "add", "corp", "https://127.0.0.1:1/x", "vestibule")
    assert "not a public one" in installation.refusal("identity-provider", "test", "corp")
