"""How a client gets its security association (I8)."""

import json

import pytest

from tests.clients.association import unb64
from tests.clients.dpop import with_token
from tests.unit.identity.test_canonical_form import AGREEMENT
from tests.unit.portal.conftest import Portal

PATH = "/identity/associations"
POINT = AGREEMENT["client_public"]


async def test_an_access_token_and_a_key_make_one(portal: Portal) -> None:
    browser = portal.browser()
    token = (await browser.tokens())["access_token"]
    answer = await browser.http.post(PATH, json={"public_key": POINT}, headers=with_token(token))
    assert answer.status_code == 201
    given = answer.json()
    assert len(unb64(given["public_key"])) == 65
    assert given["expires_in"] == 28_800
    assert given["algorithm"] == AGREEMENT["algorithm"]
    association = portal.deps.associations.find(given["id"])
    assert association is not None
    assert (association.aor, association.person_id) == (portal.alice.aor, portal.alice.id)
    assert association.grant


@pytest.mark.parametrize(
    "body",
    [
        {}, {"public_key": POINT, "x": 1}, {"public_key": 1}, {"public_key": POINT[:-1]},
        {"public_key": "B" + "A" * 86}, {"public_key": f"{POINT}="}, {"public_key": "-" * 87},
        {"public_key": f"{POINT[:-1]}\n"}, [], "x",
    ],
)  # fmt: skip
async def test_what_is_no_key_makes_none(portal: Portal, body: object) -> None:
    browser = portal.browser()
    token = (await browser.tokens())["access_token"]
    answer = await browser.http.post(PATH, json=body, headers=with_token(token))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.text)["status"] == 422
    assert len(portal.deps.associations) == 0


@pytest.mark.parametrize("token", [None, "junk"])
async def test_nobody_else_gets_one(portal: Portal, token: str | None) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await portal.browser().http.post(PATH, json={"public_key": POINT}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
