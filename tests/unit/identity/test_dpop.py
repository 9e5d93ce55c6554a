"""Proofs of possession: good for one request, once (RFC 9449; ATTACKS 18)."""

import base64
import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clients.dpop import EdwardsKey, ProofKey, Prover, b64
from vestibule.identity.dpop import CLOCK_SECONDS, DpopProofs, DpopRefused, Refusal
from vestibule.identity.dpop_nonces import NONCE_SECONDS, DpopNonces, UsedProofs

URL = "https://uc.vestibule.test:8443/api/v1/session"
TOKEN = "head.claims.signature"


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def proofs(clock: Clock) -> DpopProofs:
    return DpopProofs(clock)


@pytest.fixture
def prover(proofs: DpopProofs, clock: Clock) -> Prover:
    return Prover(nonce=proofs.new_nonce(), clock=clock)


def reason(proofs: DpopProofs, *headers: str, method: str = "GET", url: str = URL) -> Refusal:
    with pytest.raises(DpopRefused) as refused:
        proofs.spend(proofs.check(headers, method, url, TOKEN))
    return refused.value.reason


@pytest.mark.parametrize("key", [ProofKey(), EdwardsKey()])
def test_a_good_proof_names_its_key(proofs: DpopProofs, prover: Prover, key: ProofKey) -> None:
    prover.key = key
    proof = proofs.check([prover.proof("GET", URL, TOKEN)], "GET", URL, TOKEN)
    assert proof.key == key.thumbprint
    proofs.spend(proof)


@pytest.mark.parametrize(
    ("spelled", "same"),
    [
        (URL, True),
        (f"{URL}?page=2#top", True),
        (URL.replace("uc.vestibule", "UC.Vestibule"), True),
        (URL.replace(":8443", ""), False),
        (URL.replace("https", "http"), False),
        (f"{URL}/", False),
        (URL.replace("session", "Session"), False),
        (URL.replace("uc.", "user@uc."), False),
        ("https://[::1/", False),
        ("", False),
        (7, False),
        (None, False),
    ],
)
def test_a_proof_is_for_one_address(
    proofs: DpopProofs, prover: Prover, spelled: object, same: bool
) -> None:
    text = prover.proof("GET", URL, TOKEN, htu=spelled)
    if same:
        proofs.check([text], "GET", URL, TOKEN)
    else:
        assert reason(proofs, text) is Refusal.URL


BENT_CLAIMS: list[tuple[dict[str, Any], Refusal]] = [
    ({"htm": "POST"}, Refusal.METHOD),
    ({"htm": "get"}, Refusal.METHOD),
    ({"htm": None}, Refusal.METHOD),
    ({"ath": None}, Refusal.TOKEN),
    ({"ath": b64(b"x" * 32)}, Refusal.TOKEN),
    ({"ath": ["x"]}, Refusal.TOKEN),
    ({"nonce": None}, Refusal.NONCE),
    ({"nonce": "guess"}, Refusal.NONCE),
    ({"nonce": "1a3185c5000.AAAAAAAA." + "0" * 32}, Refusal.NONCE),
    ({"nonce": "é.é.é"}, Refusal.NONCE),
    ({"nonce": 7}, Refusal.NONCE),
    ({"iat": 0}, Refusal.TIME),
    ({"iat": None}, Refusal.TIME),
    ({"iat": "now"}, Refusal.TIME),
    ({"iat": True}, Refusal.TIME),
    ({"iat": float("nan")}, Refusal.TIME),
    ({"iat": 1_800_000_000 + CLOCK_SECONDS + 1}, Refusal.TIME),
    ({"jti": None}, Refusal.MALFORMED),
    ({"jti": ""}, Refusal.MALFORMED),
    ({"jti": "x" * 257}, Refusal.MALFORMED),
    ({"pad": "x" * 4096}, Refusal.MALFORMED),
]


@pytest.mark.parametrize(("bent", "why"), BENT_CLAIMS)
def test_bent_claims_are_refused(
    proofs: DpopProofs, prover: Prover, bent: dict[str, Any], why: Refusal
) -> None:
    assert reason(proofs, prover.proof("GET", URL, TOKEN, **bent)) is why


BENT_HEADS: list[tuple[dict[str, Any], Refusal]] = [
    ({"typ": "JWT"}, Refusal.TYPE),
    ({"typ": None}, Refusal.TYPE),
    ({"alg": "none"}, Refusal.ALGORITHM),
    ({"alg": "HS256"}, Refusal.ALGORITHM),
    ({"alg": "RS256"}, Refusal.ALGORITHM),
    ({"alg": ["ES256"]}, Refusal.ALGORITHM),
    ({"alg": "Ed25519"}, Refusal.KEY),
    ({"jwk": None}, Refusal.KEY),
    ({"jwk": "key"}, Refusal.KEY),
    ({"jwk": {"kty": "oct", "k": "AAAA"}}, Refusal.KEY),
    ({"jwk": {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}}, Refusal.KEY),
    ({"jwk": {"kty": "EC", "crv": "P-256", "x": 1, "y": 2}}, Refusal.KEY),
    ({"jwk": {"kty": "EC", "crv": "P-384", "x": "AAAA", "y": "AAAA"}}, Refusal.KEY),
    ({"jwk": ProofKey().jwk}, Refusal.SIGNATURE),
    ({"crit": ["exp"]}, Refusal.SIGNATURE),
]


@pytest.mark.parametrize(("bent", "why"), BENT_HEADS)
def test_bent_heads_are_refused(
    proofs: DpopProofs, prover: Prover, bent: dict[str, Any], why: Refusal
) -> None:
    assert reason(proofs, prover.proof("GET", URL, TOKEN, head=bent)) is why


def test_a_private_key_that_travels_is_refused(proofs: DpopProofs, prover: Prover) -> None:
    jwk = {**prover.key.jwk, "d": prover.key.private_number}
    assert reason(proofs, prover.proof("GET", URL, TOKEN, head={"jwk": jwk})) is Refusal.KEY


def test_a_changed_byte_is_seen(proofs: DpopProofs, prover: Prover) -> None:
    head, claims, signature = prover.proof("GET", URL, TOKEN).split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    changed = b64(json.dumps({**said, "jti": "another"}).encode())
    assert reason(proofs, f"{head}.{changed}.{signature}") is Refusal.SIGNATURE


def test_one_header_no_more_no_less(proofs: DpopProofs, prover: Prover) -> None:
    good = prover.proof("GET", URL, TOKEN)
    assert reason(proofs) is Refusal.NOT_ONE
    assert reason(proofs, good, good) is Refusal.NOT_ONE


def test_a_proof_is_good_once_per_key(proofs: DpopProofs, prover: Prover, clock: Clock) -> None:
    text = prover.proof("GET", URL, TOKEN, jti="same")
    proofs.spend(proofs.check([text], "GET", URL, TOKEN))
    assert reason(proofs, text) is Refusal.REPLAYED
    other = Prover(nonce=prover.nonce, clock=clock)
    proofs.spend(proofs.check([other.proof("GET", URL, TOKEN, jti="same")], "GET", URL, TOKEN))


def test_a_proof_dies_with_its_nonce(proofs: DpopProofs, prover: Prover, clock: Clock) -> None:
    text = prover.proof("GET", URL, TOKEN, iat=int(clock.now) + int(CLOCK_SECONDS))
    clock.now += NONCE_SECONDS + 1
    assert reason(proofs, text) is Refusal.NONCE


def test_another_server_s_nonce_is_none_of_ours(clock: Clock) -> None:
    assert DpopNonces(clock).made_at(DpopNonces(clock).new()) is None


def test_flooding_the_memory_frees_no_proof(clock: Clock) -> None:
    used = UsedProofs(clock, remembered=10)
    assert used.take("victim", "one", clock.now)
    begun = clock.now
    clock.now += 1
    for number in range(20):
        assert used.is_fresh(clock.now + number)
        assert used.take("thief", str(number), clock.now + number)
    assert not used.is_fresh(begun)  # its holder is asked for a proof with a new nonce


def test_used_proofs_are_forgotten_when_they_are_dead(clock: Clock) -> None:
    used = UsedProofs(clock)
    assert used.take("key", "one", clock.now)
    assert not used.take("key", "one", clock.now)
    clock.now += NONCE_SECONDS + 2
    assert used.take("key", "two", clock.now)
    assert len(used._used) == 1


@given(st.one_of(st.text(max_size=200), st.binary(max_size=90).map(b64)))
@settings(max_examples=300)
def test_nonsense_is_refused_and_nothing_worse(text: str) -> None:
    assert reason(DpopProofs(Clock()), text) in set(Refusal)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
_NAMES = st.sampled_from(["typ", "alg", "jwk", "htm", "htu", "iat", "nonce", "ath", "jti"])


@given(name=_NAMES, value=_JSON)
@settings(max_examples=300)
def test_any_value_in_any_place_is_refused_or_right(name: str, value: object) -> None:
    clock = Clock()
    proofs = DpopProofs(clock)
    prover = Prover(ProofKey(), proofs.new_nonce(), clock)
    bent: dict[str, Any] = {name: value}
    if name in {"typ", "alg", "jwk"}:
        text = prover.proof("GET", URL, TOKEN, head=bent)
    else:
        text = prover.proof("GET", URL, TOKEN, **bent)
    try:
        proofs.check([text], "GET", URL, TOKEN)
    except DpopRefused:
        return
    assert name in {"jti", "iat"}, (name, value)
