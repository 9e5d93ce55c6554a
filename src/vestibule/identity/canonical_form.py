"""What a message proof is made over: one unambiguous octet string for each message (docs/protocol/association.md).

Every part is led by its length, and a header by the number of its lines, so that no two different messages have
the same form. `web/src/signalling/canonical-form.ts` is its twin; tests/vectors/association.json holds both to it.
"""

import hashlib
import struct
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
    return b"".join([piece for part in parts for piece in (_length(len(part)), part)])


_length = struct.Struct("!I").pack

# What hardly ever differs is framed beforehand: each message comes through here, both ways.
_HEADS = {direction: framed((_CONTEXT, direction.encode())) for direction in Direction}
_REQUEST, _RESPONSE = framed((b"request",)), framed((b"response",))
_NO_LINE, _ONE_LINE = framed((b"0",)), framed((b"1",))
_NO_URI = framed((b"",))


def canonical_form(message: SipMessage, direction: Direction, number: int) -> bytes:
    """The form of a message that is the `number`th of its direction."""
    count = b"%d" % number
    pieces = [_HEADS[direction], _length(len(count)), count]
    if message.is_request:
        method, uri = message.method.encode(), message.uri.encode()
        pieces += (_REQUEST, _length(len(method)), method, _length(len(uri)), uri)
    else:
        pieces += (_RESPONSE, framed((b"%d" % message.status,)), _NO_URI)
    digest = hashlib.sha256(message.body).digest()
    pieces += (_length(len(digest)), digest)
    headers = message.headers
    for name in HEADERS:
        lines = headers(name)
        if not lines:
            pieces.append(_NO_LINE)
        elif len(lines) == 1:
            value = lines[0].encode()
            pieces += (_ONE_LINE, _length(len(value)), value)
        else:
            pieces.append(framed((b"%d" % len(lines), *(line.encode() for line in lines))))
    return b"".join(pieces)
