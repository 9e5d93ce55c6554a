"""The message type of this package (parsed natively), and what is often asked of one."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from vestibule._native import MalformedMessage, SipMessage, build_request, parse_sip

__all__ = [
    "Headers",
    "MalformedMessage",
    "SipMessage",
    "Transport",
    "address_uri",
    "build_request",
    "parameter_of",
    "parse_sip",
    "tokens_of",
]

Headers = Sequence[tuple[str, str]]

_BARE_ADDRESS_END = re.compile(r"[;,\s]")
_PARAMETER = re.compile(
    r";[ \t]*([A-Za-z0-9.!%*_+`'~-]+)(?:[ \t]*=[ \t]*(\"(?:[^\"\\]|\\.)*\"|[^\s;,\"]+))?"
)


class Transport(Protocol):
    """What sends bytes down a connection; the native edge is one."""

    def send(self, flow: int, data: bytes) -> bool:
        """Queue one whole message; False if the flow is gone or full."""


def address_uri(value: str) -> str:
    """The URI of a name-addr or addr-spec (RFC 3261 section 20.10), such as a Contact's value."""
    start = _after_display_name(value)
    opening = value.find("<", start)
    if opening >= 0:
        closing = value.find(">", opening)
        return value[opening + 1 : closing] if closing > 0 else value[opening + 1 :]
    bare = value.strip()
    end = _BARE_ADDRESS_END.search(bare)
    return bare[: end.start()] if end else bare


def parameter_of(value: str, name: str) -> str | None:
    """A header parameter, outside the angle brackets, unquoted; "" if it has no value."""
    return _parameters(value).get(name)


def tokens_of(message: SipMessage, name: str) -> frozenset[str]:
    """The tokens of a list header such as Supported or Require, in lower case."""
    return frozenset(value.lower() for value in message.values(name) if value)


@lru_cache(maxsize=4096)
def _parameters(value: str) -> Mapping[str, str]:
    """All of them, the first of each name. Clients say the same Contact at each refresh."""
    closing = value.find(">", _after_display_name(value))
    rest = value[closing + 1 :] if closing >= 0 else value
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(rest):
        text = match.group(2) or ""
        plain = re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
        found.setdefault(match.group(1).lower(), plain)
    return found


def _after_display_name(value: str) -> int:
    """Where a quoted display name ends; 0 without one."""
    text = value.lstrip()
    if not text.startswith('"'):
        return 0
    offset, position = len(value) - len(text), 1
    while position < len(text) and text[position] != '"':
        position += 2 if text[position] == "\\" else 1
    return offset + position + 1
