"""`vestibule policy access` and the commands about second factors."""

import pytest

from tests.unit.cli.installation import Installation


def test_rules_are_added_listed_replaced_and_removed(installation: Installation) -> None:
    do = installation.do
    do("policy", "access", "add", "outside", "block", "--network", "outside", "--explain", "No.")
    assert "network outside" in do("policy", "access", "list")
    do("policy", "access", "add", "outside", "need-mfa", "--no-device-certificate")
    listed = do("policy", "access", "list")
    assert "need-mfa" in listed
    assert "no device certificate" in listed
    assert "network outside" not in listed
    do("policy", "access", "remove", "outside")
    assert "need-mfa" not in do("policy", "access", "list")


def test_what_if_says_which_rule_decides_and_why(installation: Installation) -> None:
    do = installation.do
    do("policy", "access", "network", "inside", "10.0.0.0/8")
    do("policy", "access", "network", "de", "192.0.2.0/24", "2001:db8::/32")
    do("policy", "access", "add", "mfa-outside", "need-mfa", "--network", "outside")
    do("policy", "access", "add", "home", "block", "--network", "outside",
       "--except-country", "DE", "--explain", "From Germany only.")  # fmt: skip

    def ask(*arguments: str) -> str:
        return do("policy", "access", "what-if", "admin", *arguments)

    inside = ask("--from", "10.1.1.1")
    assert "allow" in inside
    assert "no rule applies" in inside
    home = ask("--from", "192.0.2.5")
    assert "need-mfa" in home.splitlines()[1]
    assert "second factor not shown" in home
    assert "allow" in ask("--from", "192.0.2.5", "--mfa").splitlines()[1]
    abroad = ask("--from", "198.51.100.1", "--mfa")
    assert "block" in abroad.splitlines()[1]
    assert "network outside, country none that is listed" in abroad
    assert "From Germany only." in abroad


def test_what_if_knows_accounts_for_emergencies(installation: Installation) -> None:
    do = installation.do
    do("policy", "access", "add", "shut", "block")
    do("user", "break-glass", "admin")
    said = do("policy", "access", "what-if", "admin", "--from", "192.0.2.5")
    assert "allow" in said.splitlines()[1]
    assert "passed as emergency account  shut" in " ".join(said.split("\n")).replace("   ", "  ")
    do("user", "break-glass", "admin", "--exempt-from", "no")
    said = do("policy", "access", "what-if", "admin", "--from", "192.0.2.5")
    assert "block" in said.splitlines()[1]


def test_the_rest_of_the_policy_stays_and_says_that_there_are_rules(
    installation: Installation,
) -> None:
    installation.do("policy", "access", "add", "shut", "block", "--client", "cli")
    installation.do("policy", "set", "--device-digest")
    shown = installation.do("policy", "show")
    assert "1 rules" in shown
    assert "shut" in installation.do("policy", "access", "list")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("add", "Not Fit", "block"), "a rule's name"),
        (("add", "fit", "block", "--country", "Germany"), "two letters"),
        (("remove", "nothing"), "there is no rule"),
        (("network", "inside", "10.0.0.1/8"), "host bits"),
        (("network", "elsewhere", "10.0.0.0/8"), "two letters"),
        (("what-if", "admin", "--from", "home"), "does not appear to be"),
        (("what-if", "nobody", "--from", "192.0.2.5"), "vestibule user list"),
    ],
)
def test_what_cannot_be_is_explained(
    installation: Installation, arguments: tuple[str, ...], reason: str
) -> None:
    assert reason in installation.refusal("policy", "access", *arguments)


def test_an_admin_removes_what_was_lost(installation: Installation) -> None:
    assert "had 0 second factors" in installation.do("user", "reset-second-factors", "admin")
