"""Two keys that only a client and we know: ECDH on P-256, then HKDF-SHA-256 (RFC 5869)."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vestibule.identity.canonical_form import Direction, framed

ALGORITHM = "P-256+HKDF-SHA-256+HMAC-SHA-256"

PUBLIC_KEY_OCTETS = 65
"""A point as it is, not compressed: 0x04, x, y."""

_CONTEXT = b"vestibule association 1"
_KEY_OCTETS = 32


class BadPublicKey(ValueError):
    """The octets are no point of P-256."""


@dataclass(frozen=True, slots=True)
class MacKeys:
    """One key for each direction."""

    from_client: bytes = field(repr=False)
    from_server: bytes = field(repr=False)


def agree(
    client_public: bytes,
    association: str,
    person: str,
    *,
    private: EllipticCurvePrivateKey | None = None,
) -> tuple[bytes, MacKeys]:
    """Our public key, and the keys that follow from it and the client's.

    The keys are for that association's id, that person's address and these two public keys only. `private` is ours,
    made for this once unless given. Raises BadPublicKey.
    """
    if len(client_public) != PUBLIC_KEY_OCTETS:
        raise BadPublicKey("not an uncompressed point")
    try:
        theirs = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), client_public)
    except ValueError as error:
        raise BadPublicKey("not a point of P-256") from error
    ours = private or generate_private_key(SECP256R1())
    secret = ours.exchange(ECDH(), theirs)
    public = ours.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def derive(direction: Direction) -> bytes:
        parts = (_CONTEXT, direction.encode(), person.encode(), client_public, public)
        hkdf = HKDF(SHA256(), _KEY_OCTETS, salt=association.encode(), info=framed(parts))
        return hkdf.derive(secret)

    return public, MacKeys(derive(Direction.FROM_CLIENT), derive(Direction.FROM_SERVER))
