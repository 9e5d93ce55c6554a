"""What of signing in and out is journalled, and what of it never is (I13)."""

import pytest

from tests.clients.oidc import Ask
from tests.unit.portal.conftest import Portal
from vestibule.identity.sign_in_limits import ADDRESS_AND_ACCOUNT
from vestibule.journal.journal import JournalFull
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note
from vestibule.portal.sign_in_flow import SESSION_COOKIE

ALICE = "sip:alice@vestibule.test"


def kinds(portal: Portal) -> list[Kind]:
    return [note.kind for note in portal.journal.notes]


async def test_a_sign_in_says_who_from_where_and_how(portal: Portal) -> None:
    await portal.browser("192.0.2.7").sign_in(Ask())
    assert portal.journal.notes == [
        Note(
            Kind.SIGN_IN_ACCEPTED, tenant=portal.alice.tenant, actor=ALICE, subject=ALICE,
            address="192.0.2.7", mechanism="pwd",
        )
    ]  # fmt: skip


async def test_a_wrong_password_names_the_person_but_no_actor(portal: Portal) -> None:
    await portal.browser().sign_in(Ask(), "alice", "a guess")
    (note,) = portal.journal.notes
    assert (note.kind, note.actor, note.subject) == (Kind.SIGN_IN_REFUSED, None, ALICE)
    assert note.details == {Detail.REASON: "password"}


async def test_a_password_typed_as_the_name_is_not_written_down(portal: Portal) -> None:
    await portal.browser().sign_in(Ask(), "alice's password", "alice")
    (note,) = portal.journal.notes
    assert (note.kind, note.subject) == (Kind.SIGN_IN_REFUSED, None)
    assert "password" not in repr(note)


async def test_a_disabled_account_is_told_from_a_wrong_password(portal: Portal) -> None:
    await portal.directory.set_enabled(portal.alice.id, enabled=False)
    await portal.browser().sign_in(Ask())
    assert portal.journal.notes[0].details == {Detail.REASON: "disabled"}


async def test_a_try_over_the_limit_is_one_more_entry(portal: Portal) -> None:
    browser = portal.browser()
    for _ in range(ADDRESS_AND_ACCOUNT.burst + 1):
        await browser.sign_in(Ask(), "alice", "guess")
    assert kinds(portal)[-1] is Kind.SIGN_IN_THROTTLED
    assert kinds(portal).count(Kind.SIGN_IN_REFUSED) == ADDRESS_AND_ACCOUNT.burst


async def test_nobody_is_signed_in_unrecorded(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(note: Note) -> None:
        raise JournalFull

    monkeypatch.setattr(portal.journal, "note", full)
    browser = portal.browser()
    assert (await browser.sign_in(Ask())).status_code == 500
    assert SESSION_COOKIE not in browser.http.cookies


async def test_signing_out_and_what_fell_with_it(portal: Portal) -> None:
    browser = portal.browser()
    given = await browser.tokens()
    await browser.http.get("/identity/end-session", params={"id_token_hint": given["id_token"]})
    assert kinds(portal)[1:] == [Kind.GRANT_REVOKED, Kind.SIGN_OUT]
    assert {note.subject for note in portal.journal.notes} == {ALICE}


async def test_a_client_that_gives_its_token_back(portal: Portal) -> None:
    browser = portal.browser()
    given = await browser.tokens()
    form = {"token": given["refresh_token"], "client_id": "vestibule-web"}
    await browser.http.post("/identity/revoke", data=form)
    assert (kinds(portal)[1:], portal.journal.notes[1].actor) == ([Kind.GRANT_REVOKED], ALICE)


async def test_a_token_used_twice_is_nobody_known(portal: Portal) -> None:
    browser = portal.browser()
    given = await browser.tokens()
    await browser.refresh(given["refresh_token"])
    await browser.refresh(given["refresh_token"])
    note = portal.journal.notes[1]
    assert (note.kind, note.actor, note.subject) == (Kind.TOKEN_REUSED, None, ALICE)
    assert note.details[Detail.REASON] == "refresh_token"


async def test_a_bad_token_at_the_api(portal: Portal) -> None:
    await portal.browser("192.0.2.7").api("GET", "/session", "made-up", "Bearer")
    assert portal.journal.notes == [
        Note(
            Kind.PROOF_REFUSED, address="192.0.2.7", mechanism="api-bearer",
            details={Detail.REASON: "malformed"},
        )
    ]  # fmt: skip


async def test_hashing_a_password_anew_is_no_change_of_it(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bool] = []
    original = portal.directory.set_password

    async def set_password(person: str, password_hash: str, *, rehashed: bool = False) -> None:
        told.append(rehashed)
        await original(person, password_hash, rehashed=rehashed)

    monkeypatch.setattr(portal.directory, "set_password", set_password)
    monkeypatch.setattr(portal.identity.passwords, "is_outdated", lambda stored: True)
    await portal.browser().sign_in(Ask())
    assert told == [True]
