"""ATTACKS 18, 21: signing in at a provider that nobody here wrote, honestly and otherwise (I1, I3, I5, I13, I14)."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.certificates import TestAuthority
from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.https import OpenBrowser
from tests.clients.namespaces import Network
from tests.clients.oidc import Ask, authorize, query_of, redeem, session
from tests.clients.openid_provider import Client, OpenIdProvider, say_who, serving

SECRET = "the-secret-between-us-and-the-provider"
PEOPLE = {
    "alice": {"email": "alice@vestibule.test", "email_verified": True, "name": "Alice there"},
    "carol": {"email": "c@elsewhere.test", "email_verified": True, "name": "Carol there"},
    "bob": {"email": "bob@vestibule.test", "email_verified": True, "name": "Bob, perhaps",
            "preferred_username": "bob@vestibule.test"},
    "mallory": {"email": "bob@vestibule.test", "email_verified": False, "name": "Not Bob",
                "preferred_username": "bob@vestibule.test"},
    "dora": {"email": "d@elsewhere.test", "email_verified": True, "name": "Dora",
             "preferred_username": "dora@vestibule.test"},
}  # fmt: skip


@pytest.fixture(scope="module")
def deployment(reaching_out: Deployment) -> Deployment:
    """The demo of this module."""
    return reaching_out


@pytest.fixture(scope="module")
def provider(
    network: Network,
    deployment: Deployment,
    outside: TestAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[OpenIdProvider]:
    """oidc-provider, known to the demo as `corp`."""
    redirect_uri = f"{deployment.origin}/identity/external/corp/callback"
    client = Client("vestibule", SECRET, redirect_uri)
    folder = tmp_path_factory.mktemp("provider") / "corp"
    with serving(network.add_host(), folder, outside, client, PEOPLE) as provider:
        yield provider


@pytest.fixture(scope="module")
def corp(deployment: Deployment, provider: OpenIdProvider) -> OpenIdProvider:
    """The provider as `add` makes it, and two people who are linked to it."""
    say_so(deployment, provider)
    for person in ("alice", "carol"):
        deployment.vestibule("identity-provider", "link", "corp", person, person)
    return provider


def say_so(deployment: Deployment, provider: OpenIdProvider, *options: str) -> None:
    """`vestibule identity-provider add`; a running server knows within two seconds."""
    command = ["identity-provider", "add", "corp", provider.issuer, "vestibule"]
    deployment.vestibule(*command, "--secret-file", "-", *options, typed=SECRET)


def button(browser: httpx.Client, ask: Ask, name: str = "corp") -> str | None:
    """Where the sign-in page's button for the provider leads."""
    page = authorize(browser, ask).text
    found = page.partition(f'href="/identity/external/{name}/start?request=')[2].partition('"')[0]
    return f"/identity/external/{name}/start?request={found}" if found else None


def leave(browser: httpx.Client, ask: Ask) -> httpx.Response:
    """Press the button, which appears as soon as the server knows the provider."""
    link = eventually(lambda: button(browser, ask), "the button", 10.0)
    away = browser.get(link)
    assert away.status_code == 303, away.text
    return away


def way_back(browser: httpx.Client, ask: Ask, subject: str, **more: str) -> str:
    """The address that the provider sends the browser back to."""
    location: str = say_who(browser, leave(browser, ask), subject, **more).headers["location"]
    return location


def enter(browser: httpx.Client, ask: Ask, subject: str, **more: str) -> httpx.Response:
    """All the way."""
    return browser.get(way_back(browser, ask, subject, **more))


def test_who_is_linked_signs_in_by_the_other_provider(
    corp: OpenIdProvider, browser: OpenBrowser, deployment: Deployment
) -> None:
    alice, ask = browser(), Ask(deployment.origin)
    bought = redeem(alice, ask, query_of(enter(alice, ask, "alice"))["code"], ask.verifier).json()
    assert session(alice, bought["access_token"]) == 200
    assert "sip:alice@vestibule.test" in deployment.vestibule("journal", "export")


def test_an_account_is_not_taken_over_by_its_e_mail_address(
    corp: OpenIdProvider, browser: OpenBrowser, deployment: Deployment
) -> None:
    ask = Ask(deployment.origin)

    def is_in(subject: str) -> bool:
        return enter(browser(), ask, subject).status_code == 303

    assert not is_in("bob"), "nothing was said about e-mail"
    assert not is_in("dora"), "nor about newcomers"
    say_so(deployment, corp, "--create-from", "user-name")
    eventually(lambda: is_in("dora"), "newcomers to be let in", 20.0)
    assert not is_in("bob"), "the address is Bob's, and nobody said that this is Bob"
    say_so(deployment, corp, "--link-by-email", "vestibule.test")
    assert not is_in("mallory"), "an unverified address is nobody's"
    eventually(lambda: is_in("bob"), "a verified address to be believed", 20.0)
    assert not is_in("mallory")


def test_the_other_provider_s_second_factor_counts_only_if_the_tenant_says_so(
    corp: OpenIdProvider, browser: OpenBrowser, deployment: Deployment
) -> None:
    deployment.vestibule("policy", "access", "add", "strong", "need-mfa")
    ask = Ask(deployment.origin)
    try:
        eventually(
            lambda: "One more step" in enter(browser(), ask, "alice", amr="mfa").text,
            "the rule",
            20.0,
        )
        say_so(deployment, corp, "--mfa-method", "mfa", "--mfa-class", "urn:test:two-factors")
        eventually(
            lambda: enter(browser(), ask, "alice", amr="mfa").status_code == 303,
            "the setting",
            20.0,
        )
        assert enter(browser(), ask, "alice", acr="urn:test:two-factors").status_code == 303
        assert enter(browser(), ask, "alice", amr="pwd").status_code == 403
    finally:
        deployment.vestibule("policy", "access", "remove", "strong")
    eventually(lambda: enter(browser(), ask, "alice").status_code == 303, "the rule to go", 20.0)


def test_a_way_back_is_good_once_and_in_its_browser_only(
    corp: OpenIdProvider, browser: OpenBrowser, deployment: Deployment
) -> None:
    mine, victim, ask = browser(), browser(), Ask(deployment.origin)
    location = way_back(mine, ask, "alice")
    cookies = dict(mine.cookies)
    assert victim.get(location).status_code == 403, "login CSRF: the victim has no such cookie"
    leave(victim, ask)
    assert victim.get(location).status_code == 403, "nor does its own open another's state"
    bent = location.replace("state=", "state=x")
    assert mine.get(bent).status_code == 403
    assert mine.get(location).status_code == 403, "a wrong answer used the way up"
    location = way_back(mine, ask, "alice")
    cookies = dict(mine.cookies)
    assert mine.get(location).status_code == 303
    again = browser()
    for name, value in cookies.items():
        again.cookies.set(name, value)
    assert again.get(location).status_code == 403, "code and state replayed, cookie and all"


def test_the_answer_must_name_the_provider_that_was_asked(
    corp: OpenIdProvider, browser: OpenBrowser, deployment: Deployment
) -> None:
    ask = Ask(deployment.origin)
    for bend in (_without_iss, _with_another_iss, _with_iss_twice):
        mine = browser()
        location = way_back(mine, ask, "alice")
        assert mine.get(bend(location)).status_code in (400, 403), bend.__name__
    mine = browser()
    assert mine.get(way_back(mine, ask, "alice")).status_code == 303


def test_the_request_is_bound_to_the_browser_and_to_our_provider(
    corp: OpenIdProvider, browser: OpenBrowser, deployment: Deployment
) -> None:
    mine = browser()
    asked = parse_qs(urlsplit(leave(mine, Ask(deployment.origin)).headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 43 <= len(asked["nonce"][0])
    assert asked["redirect_uri"] == [f"{deployment.origin}/identity/external/corp/callback"]
    cookie = next(c for c in mine.cookies.jar if c.name == "__Host-vestibule-external")
    assert cookie.secure
    assert cookie.has_nonstandard_attr("HttpOnly")
    evil = browser().get(
        "/identity/external/corp/start", params={"request": "redirect_uri=https://evil.test/"}
    )
    assert evil.status_code == 400


def test_disabling_and_unlinking_end_what_it_was_signed_in_with(
    corp: OpenIdProvider, browser: OpenBrowser, deployment: Deployment
) -> None:
    carol, ask = browser(), Ask(deployment.origin)
    bought = redeem(carol, ask, query_of(enter(carol, ask, "carol"))["code"], ask.verifier).json()
    assert session(carol, bought["access_token"]) == 200
    deployment.vestibule("user", "disable", "carol")
    eventually(lambda: session(carol, bought["access_token"]) == 401, "the token to end", 10.0)
    assert enter(browser(), ask, "carol").status_code == 403
    deployment.vestibule("user", "enable", "carol")
    back = eventually(lambda: code_of(enter(carol, ask, "carol")), "carol to be back", 20.0)
    assert session(carol, bought["access_token"]) == 401, "what was ended stays ended"
    bought = redeem(carol, ask, back, ask.verifier).json()
    deployment.vestibule("identity-provider", "unlink", "corp", "carol")
    eventually(lambda: session(carol, bought["access_token"]) == 401, "the token to end", 10.0)
    assert "User name" in authorize(carol, ask).text
    assert enter(carol, ask, "carol").status_code == 403


def code_of(page: httpx.Response) -> str | None:
    """The code that leads back to the client."""
    return query_of(page).get("code") if page.is_redirect else None


def _without_iss(location: str) -> str:
    return "&".join(part for part in location.split("&") if not part.startswith("iss="))


def _with_another_iss(location: str) -> str:
    return _without_iss(location) + "&iss=https%3A%2F%2Fevil.test"


def _with_iss_twice(location: str) -> str:
    return location + "&iss=https%3A%2F%2Fevil.test"
