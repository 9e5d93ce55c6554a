"""What a log line may say: no secrets, and nothing that passes for another line (ATTACKS 66)."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

HIDDEN = "[hidden]"

_SECRET_WORDS = frozenset(
    {
        "authorization", "code", "cookie", "credential", "credentials", "ha1", "key", "passwd",
        "password", "private", "secret", "secrets", "token", "tokens", "verifier",
    }
)  # fmt: skip
_NOT_SECRET = frozenset({"status_code", "error_code"})
_WORD = re.compile(r"[A-Z]{2,}\d*(?![a-z])|[A-Z]?[a-z0-9]+|[A-Z]")

_SECRET_VALUES = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"(?i:\b(?:bearer|dpop|digest|basic)\s+)(\S.*)",  # an Authorization header
        r"(?i:\bcookie:\s*)(\S.*)",  # and those of cookies
        r"(\bv(?:pt|scim)_[\w-]{8,})",  # a personal or a provisioning token
        # a JWT; looked for only where two dots follow, or `eyeyey…` would be read to its end at each `ey`
        r"(?<![\w-])(?=[\w-]*+\.[\w-]++\.)[\w-]*?(ey[\w-]{8,}\.[\w-]+\.[\w-]*)",
        r"/meet/[^/\s]+/[\w-]+#([\w-]+)",  # the conference key in an invitation link
        r"(-----BEGIN [A-Z ]*PRIVATE KEY-----.*)",
        r"a=crypto:\d+ \S+ inline:(\S+)",  # an SRTP key
        r"://[^/\s:@]+:([^/\s@]+)@",  # a password in a URL
    )
)
_NAMED = re.compile(
    # As in a form or a query, `name=value`, or in JSON, `"name": "value"`; a text is read once, however long.
    r"""(?<![\w-])([A-Za-z][\w-]{0,63})(?:=["']?|["']\s?:\s?["']?)([^\s"'&;,)}\]]+)"""
)
_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_MOST_DEPTH = 6


def redacted(value: Any, depth: int = 0) -> Any:
    """The value with what sounds or looks secret hidden, however deep it lies."""
    if isinstance(value, str):
        return _without_secrets(value)
    if isinstance(value, bytes | bytearray):
        return _without_secrets(bytes(value).decode("utf-8", "backslashreplace"))
    if depth >= _MOST_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {
            str(name): HIDDEN if sounds_secret(str(name)) else redacted(item, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _without_secrets(str(value) if isinstance(value, BaseException) else repr(value))


def sounds_secret(name: str) -> bool:
    """Whether a name is one of a secret: `password`, `access_token`, `Proxy-Authorization` …"""
    if name.lower() in _NOT_SECRET:
        return False
    return any(word.lower() in _SECRET_WORDS for word in _WORD.findall(name))


def visible(value: Any) -> Any:
    """The value with hidden characters of its texts as `\\xNN` or `\\uNNNN`."""
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return value
        return "".join(
            c.encode("unicode_escape").decode()
            if unicodedata.category(c) in _HIDDEN_CATEGORIES
            else c
            for c in value
        )
    if isinstance(value, dict):
        return {visible(name): visible(item) for name, item in value.items()}
    if isinstance(value, list):
        return [visible(item) for item in value]
    return value


def marked_lines(text: str) -> str:
    """A text of several lines, such as a traceback, none of which can be taken for a log line."""
    return "\n".join(f"  | {visible(line)}" for line in text.split("\n"))


def _without_secrets(text: str) -> str:
    for pattern in _SECRET_VALUES:
        text = pattern.sub(_hide_group, text)
    return _NAMED.sub(_hide_if_it_sounds_secret, text)


def _hide_if_it_sounds_secret(match: re.Match[str]) -> str:
    return _hide_group(match, 2) if sounds_secret(match[1]) else match.group()


def _hide_group(match: re.Match[str], group: int = 1) -> str:
    start, end = (position - match.start() for position in match.span(group))
    whole = match.group()
    return whole[:start] + HIDDEN + whole[end:]
