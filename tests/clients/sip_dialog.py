"""What ends of a dialog write by hand: answers to a request, and later requests of the same dialog."""

import re
import secrets

from tests.clients.sip_line import header_of, request


def values_of(message: str, name: str) -> list[str]:
    """All headers of that name, in order."""
    return re.findall(rf"(?im)^{name}: *(.*?)\r?$", message)


def answer(received: str, status: int, *, tag: str = "", headers: str = "", body: str = "") -> str:
    """An answer to a request that a line received. `tag`: of To, unless it has one (default: random)."""
    to = header_of(received, "To")
    if ";tag=" not in to and status > 100:
        to += f";tag={tag or secrets.token_hex(4)}"
    kept = [
        *(f"Via: {value}" for value in values_of(received, "Via")),
        *(f"Record-Route: {value}" for value in values_of(received, "Record-Route")),
        f"From: {header_of(received, 'From')}",
        f"To: {to}",
        f"Call-ID: {header_of(received, 'Call-ID')}",
        f"CSeq: {header_of(received, 'CSeq')}",
        "Contact: <sip:test@192.0.2.1:5061;transport=tls>",
        *headers.strip().splitlines(),
    ]
    length = len(body.replace("\n", "\r\n").encode())
    return "\n".join([f"SIP/2.0 {status} X", *kept, f"Content-Length: {length}", "", body])


def later(
    method: str, answered: str, *, cseq: int = 2, uri: str = "", headers: str = "", body: str = ""
) -> str:
    """A later request of who asked, in the dialog that this answer made, by the route it recorded."""
    routes = [f"Route: {value}" for value in reversed(values_of(answered, "Record-Route"))]
    message = request(
        method,
        uri or header_of(answered, "Contact").strip("<>"),
        "sip:x@x.invalid",
        headers="\n".join([*routes, *headers.strip().splitlines()]),
        body=body,
        cseq=cseq,
    )
    return in_dialog(message, answered)


def in_dialog(message: str, answered: str) -> str:
    """The message with ends, tags and Call-ID of the dialog that this answer made."""
    rows = message.split("\n")
    for number, row in enumerate(rows[: rows.index("")]):
        name = row.partition(":")[0]
        if name in ("From", "To", "Call-ID"):
            rows[number] = f"{name}: {header_of(answered, name)}"
    return "\n".join(rows)
