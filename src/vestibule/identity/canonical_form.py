"""What a message proof is made over: one unambiguous octet string for each message (docs/protocol/association.md).

Every part is led by its length, and a header by the number of its lines, so that no two different messages have
the same form. `web/src/signalling/canonical-form.ts` is its twin; tests/vectors/association.json holds both to it.
"""

import hashlib
from collections.abc import Iterable
from enum import StrEnum

from vestibule.sip.message import SipMessage

HEADERS = (
    "From", "To", "Call-ID", "CSeq", "Contact", "Content-Type", "Expires", "Event",
    "Subscription-State", "Refer-To", "Replaces",
)  # fmt: skip
"""The headers that are covered, in the order in which they stand in the form."""

_CONTEXT = b"vestibule message proof 1"


class Direction(StrEnum):
    """Who says it: a message can't be turned round."""

    FROM_CLIENT = "client-to-server"
    FROM_SERVER = "server-to-client"


def framed(parts: Iterable[bytes]) -> bytes:
    """The parts one after the other, each led by its length in four octets."""
    pieces = []
    for part in parts:
        pieces.append(len(part).to_bytes(4, "big"))
        pieces.append(part)
    return b"".join(pieces)


def canonical_form(message: SipMessage, direction: Direction, number: int) -> bytes:
    """The form of a message that is the `number`th of its direction."""
    if message.is_request:
        start = (b"request", message.method.encode(), message.uri.encode())
    else:
        start = (b"response", str(message.status).encode(), b"")
    body = hashlib.sha256(message.body).digest()
    parts = [_CONTEXT, direction.encode(), str(number).encode(), *start, body]
    for name in HEADERS:
        lines = message.headers(name)
        parts.append(str(len(lines)).encode())
        parts += [line.encode() for line in lines]
    return framed(parts)
