"""What browsers are told: headers on every page and error, hosts, caching, the client's page."""

import httpx
import pytest

from tests.clients.oidc import Ask
from tests.unit.portal.browser import ORIGIN
from tests.unit.portal.conftest import Portal

MEETING = "A" * 22
HTML = {"Accept": "text/html,application/xhtml+xml"}


def assert_guarded(answer: httpx.Response) -> None:
    """The headers of ATTACKS 17."""
    headers = answer.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["strict-transport-security"].startswith("max-age=")
    assert "permissions-policy" in headers
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/app", 200),
        ("GET", "/app/callback?code=x", 200),
        ("GET", f"/meet/alice/{MEETING}", 200),
        ("GET", "/meet/alice/short", 404),
        ("GET", "/nothing/here", 404),
        ("PUT", "/", 405),
        ("GET", "/identity/authorize", 400),
        ("GET", "/identity/authorize?a=%ff", 400),
        ("POST", "/identity/sign-in", 415),
        ("GET", "/identity/sign-in", 303),
        ("GET", "/identity/signed-out", 200),
        ("GET", "/identity/end-session", 303),
        ("GET", "/identity/jwks", 200),
        ("GET", "/api/v1/session", 401),
        ("GET", "/assets/nothing.js", 404),
        ("GET", "/healthz", 200),
    ],
)
async def test_every_answer_is_guarded(portal: Portal, method: str, path: str, status: int) -> None:
    answer = await portal.browser().http.request(method, path, headers=HTML)
    assert answer.status_code == status
    assert_guarded(answer)


async def test_people_get_pages_even_for_errors(portal: Portal) -> None:
    answer = await portal.browser().http.get("/nothing/here", headers=HTML)
    assert answer.headers["content-type"].startswith("text/html")
    assert 'role="alert"' in answer.text


async def test_the_sign_in_page_is_usable_by_all(portal: Portal) -> None:
    page = await portal.browser().authorize(Ask())
    assert_guarded(page)
    assert page.headers["cache-control"] == "no-store"
    for needed in (
        '<html lang="en">',
        '<label for="username">',
        '<label for="password">',
        'autocomplete="username"',
        'autocomplete="current-password"',
        'name="viewport"',
    ):
        assert needed in page.text
    for forbidden in ("<script>", "<style", " style=", "onclick", "javascript:"):
        assert forbidden not in page.text
    refused = await portal.browser().sign_in(Ask(), "alice", "wrong password")
    assert 'role="alert"' in refused.text
    assert 'aria-describedby="trouble"' in refused.text
    assert "wrong password" not in refused.text


async def test_the_style_sheet_is_named_for_its_content(portal: Portal) -> None:
    browser = portal.browser()
    page = await browser.authorize(Ask())
    path = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
    style = await browser.http.get(path)
    assert style.headers["content-type"].startswith("text/css")
    assert "immutable" in style.headers["cache-control"]


async def test_the_client_s_page_may_use_what_a_meeting_needs(portal: Portal) -> None:
    answer = await portal.browser().http.get("/app")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "wss://uc.vestibule.test:8443" in policy
    assert "camera=(self)" in answer.headers["permissions-policy"]
    assert answer.headers["cache-control"] == "no-store"


async def test_built_files_are_kept_by_browsers_if_their_name_is_their_content(
    portal: Portal,
) -> None:
    browser = portal.browser()
    hashed = await browser.http.get("/assets/index-Ab3dEf9h.js")
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    named = await browser.http.get("/assets/vestibule.svg")
    assert named.headers["cache-control"] == "no-cache"
    seen = {"If-None-Match": named.headers["etag"]}
    assert (await browser.http.get("/assets/vestibule.svg", headers=seen)).status_code == 304


async def test_a_meeting_s_page_offers_its_address_to_installed_clients(portal: Portal) -> None:
    browser = portal.browser()
    page = await browser.http.get(f"/meet/alice/{MEETING}")
    focus = f"sip:alice@vestibule.test;gruu;opaque=app:conf:focus:id:{MEETING}"
    assert f'<link rel="alternate" href="conf:{focus}"></head>' in page.text
    assert 'id="spa"' in page.text


@pytest.mark.parametrize(
    "path",
    [f"/meet/%22%3E%3Cscript%3E/{MEETING}", f"/meet/alice/{MEETING}x", "/meet/alice/" + "%2e" * 22],
)
async def test_a_link_that_can_t_be_is_not_found(portal: Portal, path: str) -> None:
    answer = await portal.browser().http.get(path, headers=HTML)
    assert answer.status_code == 404
    assert "<script" not in answer.text


async def test_without_the_built_client_a_page_says_what_to_do(portal: Portal) -> None:
    (portal.deps.static / "index.html").unlink()
    answer = await portal.browser().http.get("/")
    assert answer.status_code == 503
    assert "make demo" in answer.text
    assert_guarded(answer)


@pytest.mark.parametrize("host", ["evil.test", "uc.vestibule.test", "uc.vestibule.test:8443.evil",
                                  "uc.vestibule.test:443", "192.0.2.1"])  # fmt: skip
async def test_other_names_are_not_served(portal: Portal, host: str) -> None:
    answer = await portal.browser().http.get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert "evil" not in answer.text
    assert_guarded(answer)


async def test_another_name_of_ours_leads_to_the_canonical_one(portal: Portal) -> None:
    browser, there = portal.browser(), {"Host": "localhost:8443"}
    for path in ("/", "/app?x=1", f"/meet/alice/{MEETING}"):
        answer = await browser.http.get(path, headers=there)
        assert answer.status_code == 308
        assert answer.headers["location"] == f"{ORIGIN}{path}"
        assert "strict-transport-security" not in answer.headers
    assert (await browser.http.post("/identity/token", headers=there)).status_code == 421
    assert (await browser.http.get("/pki/root.crl", headers=there)).status_code == 200


async def test_a_path_that_looks_like_a_host_stays_a_path(portal: Portal) -> None:
    answer = await portal.browser().http.get(
        f"{ORIGIN}//evil.test/", headers={"Host": "localhost:8443"}
    )
    assert answer.headers["location"] == f"{ORIGIN}//evil.test/"


async def test_two_hosts_are_none(portal: Portal) -> None:
    answer = await portal.browser().http.get(
        "/", headers=[("Host", "uc.vestibule.test:8443"), ("Host", "evil.test")]
    )
    assert answer.status_code == 400
