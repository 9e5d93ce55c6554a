"""Who a message is from, and every way in which it might not be (ATTACKS 1, 2, 7, 10, 12)."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.identity.proof_bench import (
    GUEST,
    ISSUER,
    MEETING,
    OTHER_MEETING,
    Certificate,
    Connection,
    DigestClient,
    Place,
    focus,
    guest,
    with_authorization,
)
from tests.unit.sip.wire import request
from vestibule.directory.model import TenantPolicy
from vestibule.identity.principal import Kind, Mechanism, Principal
from vestibule.identity.proof import FAILURES
from vestibule.identity.tokens import LIFETIME
from vestibule.sip.refusal import SipRefusal

ALICE = "sip:alice@d.test"
DESK = Connection(certificate=Certificate())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def challenges(refusal: SipRefusal) -> list[str]:
    return [value for name, value in refusal.headers if name == "WWW-Authenticate"]


# --- nothing shown ---


def test_who_shows_nothing_is_asked_for_everything_that_would_do(place: Place) -> None:
    place.policy = TenantPolicy(device_digest=True, device_sign_in=True)
    refusal = place.refusal(request())
    assert refusal.status == 401
    digest, bearer = challenges(refusal)
    assert digest.startswith('Digest realm="d.test", nonce="')
    assert "algorithm=SHA-256" in digest
    assert 'qop="auth"' in digest
    assert bearer == f'Bearer realm="d.test", authz_server="{ISSUER}"'


@pytest.mark.parametrize(
    ("policy", "algorithms"),
    [
        (TenantPolicy(), []),
        (TenantPolicy(device_digest=True), ["SHA-256"]),
        (TenantPolicy(device_digest=True, device_digest_md5=True), ["SHA-256", "MD5"]),
    ],
)
def test_digest_is_offered_as_the_policy_says(
    place: Place, policy: TenantPolicy, algorithms: list[str]
) -> None:
    place.policy = replace(policy, device_sign_in=True)
    offered = challenges(place.refusal(request()))[:-1]
    assert [text.partition("algorithm=")[2].split(",")[0] for text in offered] == algorithms


def test_a_token_is_asked_for_only_where_a_phone_could_have_one(place: Place) -> None:
    assert [text.partition(" ")[0] for text in challenges(place.refusal(request()))] == ["Digest"]
    place.policy = TenantPolicy()  # no digest either: a 401 asks for something
    (bearer,) = challenges(place.refusal(request()))
    assert bearer.startswith("Bearer ")


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE", "WHATEVER"])
@pytest.mark.parametrize(
    "uri", ["sip:bob@d.test", "sip:nobody@d.test", "sip:d.test", "sip:x@e.test"]
)
@pytest.mark.parametrize("sender", [ALICE, "sip:nobody@d.test"])
def test_before_proof_all_answers_are_alike(
    place: Place, method: str, uri: str, sender: str
) -> None:
    refusal = place.refusal(request(method, uri, sender=sender))
    assert refusal.status == 401
    assert [text.partition(" ")[0] for text in challenges(refusal)] == ["Digest"]


def test_a_stranger_from_elsewhere_is_asked_too(place: Place) -> None:
    refusal = place.refusal(request(sender="sip:x@elsewhere.test"))
    assert refusal.status == 401
    assert all('realm="d.test"' in text for text in challenges(refusal))


@pytest.mark.parametrize(
    "value", ["", "Basic YTpi", "Digest", "Digest username", "NTLM x", 'Digest realm="d.test"']
)
def test_what_proves_nothing(place: Place, value: str) -> None:
    assert place.refusal(with_authorization(value)).status in (400, 401)


def test_two_proofs_are_one_too_many(place: Place) -> None:
    token = ("Authorization", f"Bearer {place.token()}")
    assert place.refusal(request(headers=(token, ("Authorization", "Bearer x")))).status == 400


# --- client certificates ---


def test_a_device_by_its_certificate(place: Place) -> None:
    assert place.prove(request(), DESK) == Principal(
        Kind.MEMBER, ALICE, "t1", "Alice", Mechanism.CERTIFICATE, device="phone"
    )


@pytest.mark.parametrize(
    "certificate",
    [
        Certificate(serial="def"),
        Certificate(uris=("sip:bob@d.test", "urn:uuid:phone")),
        Certificate(uris=("sip:alice@d.test", "urn:uuid:other")),
        Certificate(uris=()),
    ],
)
def test_a_certificate_that_is_nobodys(place: Place, certificate: Certificate) -> None:
    assert place.refusal(request(), Connection(certificate=certificate)).status == 401


def test_a_revoked_device_is_out_at_its_next_message(place: Place) -> None:
    place.prove(request(), DESK)
    place.revoke("phone")
    assert place.refusal(request(), DESK).status == 401


@pytest.mark.parametrize("sender", ["sip:bob@d.test", "sip:nobody@d.test", "sip:alice@e.test"])
def test_nobody_speaks_for_another(place: Place, sender: str) -> None:
    assert place.refusal(request(sender=sender), DESK).status == 403
    bearer = with_authorization(f"Bearer {place.token()}", sender=sender)
    assert place.refusal(bearer).status == 403


def test_the_senders_address_is_compared_without_case(place: Place) -> None:
    assert place.prove(request(sender="sip:Alice@D.test"), DESK).aor == ALICE


def test_what_was_proven_stands_until_the_device_or_the_account_is_closed(place: Place) -> None:
    by_device, by_token = (
        place.prove(request(), DESK),
        place.prove(with_authorization(f"Bearer {place.token()}")),
    )
    by_key = place.prove(guest(place).answer(focus(), "INVITE"))
    assert all(place.proof.stands(principal) for principal in (by_device, by_token, by_key))
    place.revoke("phone")
    assert (place.proof.stands(by_device), place.proof.stands(by_token)) == (False, True)
    place.disable("alice")
    assert not place.proof.stands(by_token)
    del place.people["alice"]
    assert not place.proof.stands(by_token)
    assert place.proof.stands(by_key)


# --- tokens ---


def test_a_person_by_a_token(place: Place) -> None:
    assert place.prove(with_authorization(f"Bearer {place.token()}")) == Principal(
        Kind.MEMBER, ALICE, "t1", "Alice", Mechanism.BEARER
    )


@pytest.mark.parametrize("value", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_a_bad_token_is_named_as_such(place: Place, value: str) -> None:
    refusal = place.refusal(with_authorization(f"Bearer {value}"))
    assert refusal.status == 401
    assert challenges(refusal)[-1].endswith(', error="invalid_token"')


def test_a_token_ends(place: Place) -> None:
    message = with_authorization(f"Bearer {place.token()}")
    place.prove(message)
    place.now += LIFETIME + 10
    assert place.refusal(message).status == 401


def test_a_closed_account_is_out_at_its_next_message(place: Place) -> None:
    message = with_authorization(f"Bearer {place.token()}")
    place.prove(message)
    place.disable("alice")
    assert place.refusal(message).status == 401
    assert place.refusal(request(), DESK).status == 401
    assert place.refusal(DigestClient(place).answer()).status == 401


def test_each_message_carries_the_token(place: Place) -> None:
    place.prove(with_authorization(f"Bearer {place.token()}"))
    assert place.refusal(request()).status == 401


# --- device secrets ---


def test_a_device_by_its_secret(place: Place) -> None:
    client = DigestClient(place)
    for _ in range(3):
        assert place.prove(client.answer()) == Principal(
            Kind.MEMBER, ALICE, "t1", "Alice", Mechanism.DEVICE_DIGEST, device="old"
        )


def test_no_secret_where_the_policy_allows_none(place: Place) -> None:
    place.policy = TenantPolicy()
    assert place.refusal(DigestClient(place).answer()).status == 403


def test_md5_only_where_the_policy_allows_it(place: Place) -> None:
    assert place.refusal(DigestClient(place, algorithm="MD5").answer()).status == 403
    place.policy = TenantPolicy(device_digest=True, device_digest_md5=True)
    assert place.prove(DigestClient(place, algorithm="MD5").answer()).device == "old"


@pytest.mark.parametrize(
    "changed",
    [
        {"secret": "wrong"}, {"username": "nobody"}, {"username": "bob"}, {"realm": "first.test"},
        {"realm": "elsewhere.test"},
    ],
)  # fmt: skip
def test_a_wrong_secret_whoever_it_is_for(place: Place, changed: dict[str, str]) -> None:
    client = replace(DigestClient(place), **changed)  # type: ignore[arg-type]
    refusal = place.refusal(client.answer())
    assert refusal.status == 401
    assert "stale" not in challenges(refusal)[0]


def test_a_revoked_secret(place: Place) -> None:
    place.revoke("old")
    assert place.refusal(DigestClient(place).answer()).status == 401


def test_a_secret_speaks_for_its_owner_only(place: Place) -> None:
    client = DigestClient(place, sender="sip:bob@d.test")
    assert place.refusal(client.answer()).status == 403


@pytest.mark.parametrize(
    "changed",
    [
        {"digest_uri": "sip:carol@d.test"},
        {"digest_uri": focus()},
        {"digest_uri": "nonsense"},
        {"digest_method": "INVITE"},
    ],
)
def test_a_response_is_for_one_request(place: Place, changed: dict[str, str]) -> None:
    client = DigestClient(place)
    message = client.answer(**changed)  # type: ignore[arg-type]
    assert place.refusal(message).status == 401


def test_the_uri_may_be_written_differently(place: Place) -> None:
    client = DigestClient(place)
    message = client.answer("sip:bob@d.test", digest_uri="sip:bob@D.TEST")
    assert place.prove(message).aor == ALICE


# --- nonces ---


def test_a_replay_is_refused(place: Place) -> None:
    message = DigestClient(place).answer()
    place.prove(message)
    assert place.refusal(message).status == 401


def test_counts_only_rise(place: Place) -> None:
    client = DigestClient(place)
    place.prove(client.answer(count=7))
    for old in (7, 6, 1, 0):
        assert place.refusal(client.answer(count=old)).status == 401
    place.prove(client.answer(count=8))


def test_a_nonce_is_good_on_its_own_connection(place: Place) -> None:
    client = DigestClient(place)
    refusal = place.refusal(client.answer(flow=2), Connection(2))
    assert refusal.status == 401
    assert challenges(refusal)[0].endswith(", stale=true"), "nobody is asked for the secret again"
    place.prove(client.answer())


def test_a_guests_nonce_is_good_for_its_own_meeting(place: Place) -> None:
    elsewhere = guest(place, purpose=OTHER_MEETING)
    refusal = place.refusal(elsewhere.answer(focus(), "INVITE"))
    assert refusal.status == 401
    assert challenges(refusal)[0].endswith(", stale=true")
    place.prove(guest(place).answer(focus(), "INVITE"))


@pytest.mark.parametrize("nonce", ["", "x", "a.b.c", "0.0.0", ".." * 40])
def test_a_nonce_that_is_not_ours(place: Place, nonce: str) -> None:
    client = DigestClient(place)
    client.nonce = nonce or "-"
    assert place.refusal(client.answer()).status == 401


def test_an_old_nonce_is_renewed_without_asking_for_the_secret_again(place: Place) -> None:
    client = DigestClient(place)
    message = client.answer()
    place.now += 1801
    refusal = place.refusal(message)
    assert refusal.status == 401
    assert challenges(refusal)[0].endswith(", stale=true")


def test_a_closed_connection_takes_its_nonces_along(place: Place) -> None:
    client = DigestClient(place)
    place.prove(client.answer())
    place.nonces.forget(1)
    assert place.nonces._counts == {}


def test_nonces_of_one_connection_are_limited_but_never_forgotten_while_good(place: Place) -> None:
    first = DigestClient(place)
    message = first.answer()
    place.prove(message)
    for _ in range(31):
        place.prove(DigestClient(place).answer())
    crowded = place.refusal(DigestClient(place).answer())
    assert challenges(crowded)[0].endswith(", stale=true")
    assert place.refusal(message).status == 401
    place.prove(first.answer())
    place.now += 1801
    place.prove(DigestClient(place).answer())


# --- guests (I7, ATTACKS 38, 39) ---


@pytest.mark.parametrize("part", ["focus", "audio-video"])
def test_a_guest_by_the_conference_key(place: Place, part: str) -> None:
    message = guest(place).answer(focus(part=part), "INVITE")
    assert place.prove(message) == Principal(
        Kind.ANONYMOUS, GUEST, "t1", "", Mechanism.CONFERENCE_KEY, meeting=MEETING
    )


def test_a_guests_name_is_a_claim_and_the_address_is_bare(place: Place) -> None:
    client = guest(place, sender=f"{GUEST};x=1")
    assert place.prove(client.answer(focus(), "INVITE")).aor == GUEST


def test_guests_are_asked_for_the_key_only(place: Place) -> None:
    refusal = place.refusal(request("INVITE", focus(), sender=GUEST))
    assert refusal.status == 401
    [only] = challenges(refusal)
    assert only.startswith('Digest realm="d.test"')
    assert "algorithm=SHA-256" in only


def test_a_meeting_that_does_not_exist_answers_like_a_wrong_key(place: Place) -> None:
    wrong = guest(place, secret="x" * 22).answer(focus(), "INVITE")
    unknown = guest(place, username=OTHER_MEETING).answer(focus(OTHER_MEETING), "INVITE")
    empty = guest(place, username=OTHER_MEETING, secret="").answer(focus(OTHER_MEETING), "INVITE")
    for message in (wrong, unknown, empty):
        refusal = place.refusal(message)
        assert refusal.status == 401
        assert "stale" not in challenges(refusal)[0]


def test_a_key_opens_no_other_meeting(place: Place) -> None:
    message = guest(place).answer(focus(OTHER_MEETING), "INVITE")
    assert place.refusal(message).status in (401, 403)


@pytest.mark.parametrize(
    "uri", ["sip:bob@d.test", "sip:nobody@d.test", "sip:d.test", "sip:x@e.test"]
)
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "REGISTER", "SUBSCRIBE"])
def test_a_key_opens_nothing_else(place: Place, uri: str, method: str) -> None:
    assert place.refusal(guest(place).answer(uri, method)).status == 403


def test_a_key_does_not_speak_for_a_member(place: Place) -> None:
    message = guest(place, sender=ALICE).answer(focus(), "INVITE")
    assert place.refusal(message).status in (401, 403)


def test_a_replaced_key_opens_nothing_but_keeps_who_showed_it_in_place(place: Place) -> None:
    inside, late = guest(place), guest(place, flow=2)
    place.prove(inside.answer(focus(), "INVITE"))
    place.conference_key = "y" * 22
    for method in ("INVITE", "OPTIONS"):
        assert place.refusal(inside.answer(focus(), method)).status == 401
    assert place.prove(inside.answer(focus(), "SUBSCRIBE")).meeting == MEETING
    assert place.prove(inside.answer(focus(part="audio-video"), "INVITE")).meeting == MEETING
    assert place.refusal(late.answer(focus(), "SUBSCRIBE"), Connection(2)).status == 401
    place.proof.forget(1)
    assert place.refusal(inside.answer(focus(), "SUBSCRIBE")).status == 401


def test_md5_does_not_prove_a_guest(place: Place) -> None:
    place.policy = TenantPolicy(device_digest=True, device_digest_md5=True)
    assert place.refusal(guest(place, algorithm="MD5").answer(focus(), "INVITE")).status == 401


def test_a_members_token_does_not_make_a_guest(place: Place) -> None:
    message = with_authorization(f"Bearer {place.token()}", sender=GUEST, uri=focus())
    assert place.refusal(message).status in (401, 403)


def test_a_device_certificate_does_not_make_a_guest(place: Place) -> None:
    assert place.refusal(request("INVITE", focus(), sender=GUEST), DESK).status == 401


# --- limits (ATTACKS 21, 39) ---


def test_too_many_wrong_keys_from_one_place(place: Place) -> None:
    for _ in range(FAILURES.burst):
        wrong = guest(place, secret="x" * 22).answer(focus(), "INVITE")
        assert place.refusal(wrong).status == 401
    refusal = place.refusal(guest(place).answer(focus(), "INVITE"))
    assert refusal.status == 503
    assert int(dict(refusal.headers)["Retry-After"]) >= 1
    wrong = guest(place, secret="x" * 22, flow=2).answer(focus(), "INVITE")
    assert place.refusal(wrong, Connection(2)).status == 503
    neighbour = guest(place, flow=3).answer(focus(), "INVITE")
    assert place.prove(neighbour, Connection(3)).meeting == MEETING
    elsewhere = Connection(host="198.51.100.1")
    assert place.prove(guest(place).answer(focus(), "INVITE"), elsewhere).meeting == MEETING
    place.now += 2 * FAILURES.interval
    assert place.prove(guest(place).answer(focus(), "INVITE")).meeting == MEETING


def test_other_proofs_are_not_made_to_wait(place: Place) -> None:
    for _ in range(FAILURES.burst + 50):
        place.refusal(with_authorization("Bearer x"))
    assert place.refusal(with_authorization("Bearer x")).status == 503
    assert place.prove(with_authorization(f"Bearer {place.token()}")).aor == ALICE
    assert place.prove(request(), DESK).aor == ALICE
    place.now += 2 * FAILURES.interval
    assert place.refusal(with_authorization("Bearer x")).status == 401
