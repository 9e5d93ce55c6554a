"""What a proof is made over: one reading only, the same everywhere (ATTACKS 12)."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from tests.clients.association import ClientAssociation, canonical, unb64
from vestibule.identity.canonical_form import HEADERS, Direction, canonical_form, framed
from vestibule.identity.key_agreement import ALGORITHM, BadPublicKey, agree
from vestibule.identity.mechanisms.association import mac_of
from vestibule.sip.message import SipMessage, parse_sip

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "association.json").read_text()
)
AGREEMENT = VECTORS["agreement"]


@dataclass(frozen=True)
class Facts:
    """Everything that the form covers, as the native parser would say it."""

    is_request: bool = True
    method: str = "MESSAGE"
    status: int = 0
    uri: str = "sip:bob@d.test"
    body: bytes = b""
    lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    number: int = 1
    direction: Direction = Direction.FROM_CLIENT

    def headers(self, name: str) -> list[str]:
        return list(self.lines.get(name, ()))

    def form(self) -> bytes:
        message: Any = self
        return canonical_form(message, self.direction, self.number)


texts = st.text(max_size=12)
facts = st.builds(
    Facts,
    is_request=st.just(True),
    method=texts,
    uri=texts,
    body=st.binary(max_size=8),
    lines=st.dictionaries(
        st.sampled_from(HEADERS), st.lists(texts, max_size=3).map(tuple), max_size=4
    ),
    number=st.integers(1, 2**53 - 1),
    direction=st.sampled_from(Direction),
)


def _meaning(one: Facts) -> tuple[object, ...]:
    lines = tuple(tuple(one.headers(name)) for name in HEADERS)
    return (one.method, one.uri, one.body, lines, one.number, one.direction)


@given(facts, facts)
def test_two_messages_have_one_form_only_if_they_say_the_same(one: Facts, other: Facts) -> None:
    assert (one.form() == other.form()) == (_meaning(one) == _meaning(other))


@given(st.lists(st.binary(max_size=6), max_size=5), st.lists(st.binary(max_size=6), max_size=5))
def test_framing_is_injective(one: list[bytes], other: list[bytes]) -> None:
    assert (framed(one) == framed(other)) == (one == other)


@given(facts, st.sampled_from(HEADERS), texts)
def test_a_line_cant_move_to_another_header_or_merge_with_the_next(
    one: Facts, name: str, text: str
) -> None:
    lines = one.lines.get(name, ())
    for changed in ((*lines, text), (text + "".join(lines),), ("", *lines)):
        if changed != lines:
            assert replace(one, lines={**one.lines, name: changed}).form() != one.form()


def test_a_request_of_method_200_is_no_response_200() -> None:
    request = Facts(method="200", uri="")
    assert request.form() != replace(request, is_request=False, status=200).form()


# --- the vectors that the web client reads too ---


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=lambda vector: vector["name"])
def test_the_form_of_each_vector(vector: dict[str, Any]) -> None:
    message: SipMessage = parse_sip(vector["text"].encode())
    direction = Direction(vector["direction"])
    form = canonical_form(message, direction, vector["number"])
    assert form.hex() == vector["form"]
    assert form == canonical(vector["text"], direction, vector["number"])
    assert mac_of(bytes.fromhex(AGREEMENT[f"{direction}-key"]), form) == vector["mac"]


def test_the_keys_of_the_vector() -> None:
    server = _private(AGREEMENT["server_private"])
    client_public, server_public = unb64(AGREEMENT["client_public"]), unb64(AGREEMENT["server_public"])  # fmt: skip
    name, person = AGREEMENT["id"], AGREEMENT["person"]
    public, keys = agree(client_public, name, person, private=server)
    assert public == server_public
    assert keys.from_client.hex() == AGREEMENT["client-to-server-key"]
    assert keys.from_server.hex() == AGREEMENT["server-to-client-key"]
    assert AGREEMENT["algorithm"] == ALGORITHM
    client = ClientAssociation.agree(
        _private(AGREEMENT["client_private"]), client_public, name, server_public, person, 1
    )
    assert (client.to_server, client.to_client) == (keys.from_client, keys.from_server)
    assert "keys" not in repr(keys).replace("MacKeys", "")


@pytest.mark.parametrize(
    "point", [b"", bytes(65), b"\x04" + bytes(64), b"\x02" + bytes(32), b"\x04" + b"\xff" * 64]
)
def test_what_is_no_point_is_refused(point: bytes) -> None:
    with pytest.raises(BadPublicKey):
        agree(point, "x", "sip:a@d.test")


def _private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unb64(text), "big"), ec.SECP256R1())
