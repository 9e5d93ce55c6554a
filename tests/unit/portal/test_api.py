"""The HTTP API: who may call it, what it answers, in which form it refuses."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.clients.dpop import with_token
from tests.unit.portal.conftest import Portal

MEETING = "A" * 22


def is_problem(status: int, body: str, content_type: str) -> bool:
    return content_type == "application/problem+json" and json.loads(body)["status"] == status


async def test_the_session_names_person_and_server(portal: Portal) -> None:
    browser = portal.browser()
    tokens = await browser.tokens()
    answer = await browser.api("GET", "/session", tokens["access_token"])
    assert answer.json() == {
        "person": {"aor": "sip:alice@vestibule.test", "display_name": "Alice <b>Adams</b>"},
        "domain": "vestibule.test",
        "sip_websocket": "wss://uc.vestibule.test:8443/sip",
        "licensed": True,
        "recording": False,
    }


async def test_meetings_are_created_listed_and_ended_by_their_organizer(portal: Portal) -> None:
    browser = portal.browser()
    token = (await browser.tokens())["access_token"]
    made = await browser.api("POST", "/meetings", token, json={"subject": "Budget"})
    assert made.status_code == 201
    meeting = made.json()
    link = f"https://uc.vestibule.test:8443/meet/alice/{meeting['id']}"
    assert meeting["link"] == f"{link}#{meeting['conference_key']}"
    assert meeting["dial"] == meeting["focus"]
    assert (await browser.api("GET", "/meetings", token)).json() == [meeting]
    assert (await browser.api("DELETE", f"/meetings/{meeting['id']}", token)).status_code == 204
    assert (await browser.api("GET", "/meetings", token)).json() == []
    gone = await browser.api("DELETE", f"/meetings/{meeting['id']}", token)
    assert gone.status_code == 404


async def test_without_a_licence_no_meeting_is_created(portal: Portal) -> None:
    browser = portal.browser()
    token = (await browser.tokens("bob"))["access_token"]
    refused = await browser.api("POST", "/meetings", token, json={"subject": "Budget"})
    assert is_problem(403, refused.text, refused.headers["content-type"])
    assert (await browser.api("GET", "/meetings", token)).json() == []


async def test_nobody_sees_or_ends_another_s_meeting(portal: Portal) -> None:
    alice, bob = portal.browser(), portal.browser()
    alices = (await alice.tokens())["access_token"]
    bobs = (await bob.tokens("bob"))["access_token"]
    meeting = (await alice.api("POST", "/meetings", alices, json={"subject": "x"})).json()
    assert (await bob.api("GET", "/meetings", bobs)).json() == []
    assert (await bob.api("DELETE", f"/meetings/{meeting['id']}", bobs)).status_code == 404
    assert len((await alice.api("GET", "/meetings", alices)).json()) == 1


async def test_a_meeting_gets_a_new_link_from_its_organizer_only(portal: Portal) -> None:
    alice, bob = portal.browser(), portal.browser()
    alices = (await alice.tokens())["access_token"]
    bobs = (await bob.tokens("bob"))["access_token"]
    old = (await alice.api("POST", "/meetings", alices, json={"subject": "x"})).json()
    path = f"/meetings/{old['id']}/conference-key"
    assert (await bob.api("POST", path, bobs)).status_code == 404
    new = (await alice.api("POST", path, alices)).json()
    assert new["link"].endswith(f"#{new['conference_key']}")
    assert new | {"link": "", "conference_key": ""} == old | {"link": "", "conference_key": ""}
    assert new["conference_key"] != old["conference_key"]
    assert (await alice.api("GET", "/meetings", alices)).json() == [new]
    assert (
        await alice.api("POST", f"/meetings/{MEETING}/conference-key", alices)
    ).status_code == 404


async def test_no_token_is_answered_with_a_challenge(portal: Portal) -> None:
    answer = await portal.browser().api("GET", "/session", None)
    assert answer.status_code == 401
    bearer, dpop = answer.headers["www-authenticate"].split(", ", 1)
    assert bearer == 'Bearer realm="vestibule.test"'
    assert dpop == 'DPoP realm="vestibule.test", algs="ES256 Ed25519"'
    assert is_problem(401, answer.text, answer.headers["content-type"])


@pytest.mark.parametrize(
    "header", ["Bearer junk", "Bearer", "Bearer ", "Basic YTpi", "bearer a.b.c", "junk"]
)
async def test_a_bad_token_is_answered_with_its_error(portal: Portal, header: str) -> None:
    answer = await portal.browser().http.get("/api/v1/session", headers={"Authorization": header})
    assert answer.status_code == 401
    assert 'error="invalid_' in answer.headers["www-authenticate"]


async def test_an_id_token_or_an_old_token_doesn_t_open_the_api(portal: Portal) -> None:
    browser = portal.browser()
    tokens = await browser.tokens()
    assert (await browser.api("GET", "/session", tokens["id_token"])).status_code == 401
    portal.clock.now += 700
    answer = await browser.api("GET", "/session", tokens["access_token"])
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_the_session_cookie_doesn_t_open_the_api(portal: Portal) -> None:
    browser = portal.browser()
    await browser.tokens()
    assert (await browser.api("GET", "/session", None)).status_code == 401


async def test_where_to_knock_is_the_same_whether_or_not_the_meeting_is(portal: Portal) -> None:
    browser = portal.browser()
    token = (await browser.tokens())["access_token"]
    real = (await browser.api("POST", "/meetings", token, json={"subject": "x"})).json()["id"]
    answers = []
    for meeting in (real, MEETING):
        answer = await browser.api("GET", f"/join/alice/{meeting}", None)
        assert answer.status_code == 200
        answers.append(answer.text.replace(meeting, ""))
    assert answers[0] == answers[1]
    nobody = await browser.api("GET", f"/join/nobody/{MEETING}", None)
    assert nobody.json()["focus"].startswith("sip:nobody@vestibule.test;gruu;")


@pytest.mark.parametrize("path", ["/join/alice/short", f"/join/a%0d%0ab/{MEETING}",
                                  f"/join/%3Cb%3E/{MEETING}"])  # fmt: skip
async def test_a_link_that_can_t_be_is_refused(portal: Portal, path: str) -> None:
    answer = await portal.browser().api("GET", path, None)
    assert is_problem(422, answer.text, answer.headers["content-type"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"subject": "a", "subject": "b"}', 400),
        (b'{"subject": NaN}', 400),
        (b'{"subject": ' + b"[" * 17 + b"]" * 17 + b"}", 400),
        (b"[" * 30_000, 400),
        (b'{"subject": ' + b"1" * 5000 + b"}", 400),
        (b"\xff\xfe{}", 400),
        (b"{}", 422),
        (b"", 422),
        (b"null", 422),
        (b'{"subject": 1}', 422),
        (b'{"subject": "a", "organizer": "bob"}', 422),
        (b'{"subject": "' + b"a" * 201 + b'"}', 422),
        (b'{"subject": "\\ud800"}', 422),
        (b'{"subject": "' + b"a" * 70_000 + b'"}', 413),
    ],
)
async def test_bodies_have_one_reading_and_a_size(portal: Portal, body: bytes, status: int) -> None:
    browser = portal.browser()
    token = (await browser.tokens())["access_token"]
    answer = await browser.http.post(
        "/api/v1/meetings",
        content=body,
        headers={**with_token(token), "Content-Type": "application/json"},
    )
    assert is_problem(status, answer.text, answer.headers["content-type"]), answer.text


async def test_an_endless_body_is_cut_off(portal: Portal) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100_000_000:
            sent += 10_000
            yield b" " * 10_000

    answer = await portal.browser().http.post("/identity/token", content=endless())
    assert answer.status_code == 413
    assert sent < 2_000_000


async def test_a_compressed_body_is_not_unpacked(portal: Portal) -> None:
    answer = await portal.browser().http.post(
        "/identity/token", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("PUT", "/api/v1/session", 405),
        ("GET", "/api", 404),
        ("GET", "/assets/../index.html", 404),
        ("GET", "/assets/%2e%2e/index.html", 404),
        ("GET", "/assets/..%2findex.html", 404),
        ("GET", "/assets/%00", 404),
        ("TRACE", "/", 405),
    ],
)
async def test_every_error_is_a_problem_document(
    portal: Portal, method: str, path: str, status: int
) -> None:
    answer = await portal.browser().http.request(method, path)
    assert is_problem(status, answer.text, answer.headers["content-type"])


async def test_a_fault_of_ours_tells_nothing(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> bytes:
        raise RuntimeError("the secret plan")

    monkeypatch.setattr(portal.deps.authority, "authority_pem", broken)
    answer = await portal.browser().http.get("/pki/authority.pem")
    assert is_problem(500, answer.text, answer.headers["content-type"])
    assert "secret plan" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_our_authority_s_files_are_public(portal: Portal) -> None:
    browser = portal.browser()
    for path, content in (("root.crl", b"root crl"), ("issuing.crl", b"issuing crl")):
        answer = await browser.http.get(f"/pki/{path}")
        assert answer.content == content
        assert answer.headers["content-type"] == "application/pkix-crl"
    pem = await browser.http.get("/pki/authority.pem")
    assert pem.content.startswith(b"-----BEGIN")


async def test_the_api_describes_itself_and_names_its_errors(portal: Portal) -> None:
    browser = portal.browser()
    description = (await browser.http.get("/api/v1/openapi.json")).json()
    create = description["paths"]["/api/v1/meetings"]["post"]["responses"]
    assert {"201", "400", "401", "403", "409", "413", "415", "422"} <= set(create)
    assert "application/problem+json" in create["403"]["content"]
    assert set(description["paths"]) == {
        "/api/v1/session",
        "/api/v1/meetings",
        "/api/v1/meetings/{meeting_id}",
        "/api/v1/device-enrolments",
        "/api/v1/meetings/{meeting_id}/conference-key",
        "/api/v1/meetings/{meeting_id}/quality",
        "/api/v1/meetings/{meeting_id}/recording",
        "/api/v1/recordings",
        "/api/v1/recordings/{recording_id}",
        "/api/v1/join/{organizer}/{meeting_id}",
        "/identity/associations",
        "/identity/.well-known/openid-configuration",
        "/identity/jwks",
        "/identity/token",
        "/identity/device-authorization",
        "/identity/revoke",
        "/identity/userinfo",
        "/pki/authority.pem",
        "/pki/root.crl",
        "/pki/issuing.crl",
        "/healthz",
    }


async def test_health_says_no_more_than_ok(portal: Portal) -> None:
    answer = await portal.browser().http.get("/healthz")
    assert answer.json() == {"status": "ok"}
    assert "server" not in answer.headers


async def test_a_wrong_method_is_told_the_right_ones(portal: Portal) -> None:
    answer = await portal.browser().http.options("/api/v1/meetings")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"


async def test_proof_comes_before_the_body_is_looked_at(portal: Portal) -> None:
    answer = await portal.browser().api("POST", "/meetings", None, content=b"[" * 60_000)
    assert answer.status_code == 401
