"""SIP URIs (RFC 3261 section 19.1): parsed once, compared as the RFC says, cheap to ask.

Every message carries several and most repeat, so parsed ones are cached by their text.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, unquote

from vestibule.sip.refusal import SipRefusal

ANONYMOUS_HOST = "anonymous.invalid"
_CACHED = 8192
_LONGEST = 2048

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_USER = re.compile(r"(?:[A-Za-z0-9_.!~*'()&=+$,;?/-]|%[0-9A-Fa-f]{2})+")
_PASSWORD = re.compile(r"(?:[A-Za-z0-9_.!~*'()&=+$,-]|%[0-9A-Fa-f]{2})*")
_HOST_PORT = re.compile(
    r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.?)(?::([0-9]{1,5}))?"
)
_HEADERS = re.compile(r"(?:[A-Za-z0-9_.!~*'()\[\]/?:+$&=-]|%[0-9A-Fa-f]{2})*")
_PARAM_TEXT = re.compile(r"(?:[A-Za-z0-9_.!~*'()\[\]/:&+$-]|%[0-9A-Fa-f]{2})+")
_USER_SAFE = "_.!~*'()&=+$,;?/-"
_PARAM_SAFE = "_.!~*'()[]/:&+$-"

# These count even if only one of two URIs has them: those of RFC 3261 section 19.1.4, and the two
# that name another target altogether (a GRUU, a meeting).
_ALWAYS_COMPARED = ("user", "ttl", "method", "maddr", "transport", "gr", "opaque")


@dataclass(frozen=True, slots=True)
class SipUri:
    """A `sip:` or `sips:` URI.

    `user` is unescaped ("" if absent), `host` is in lower case, parameter names too; a parameter
    without a value has "". A password or headers part is never kept.
    """

    scheme: str
    user: str
    host: str
    port: int | None = None
    params: tuple[tuple[str, str], ...] = ()
    aor: str = field(init=False, compare=False, repr=False)
    """The address of record: scheme `sip`, user and host, nothing else."""

    def __post_init__(self) -> None:
        user = f"{quote(self.user, _USER_SAFE)}@" if self.user else ""
        object.__setattr__(self, "aor", f"sip:{user}{self.host}")

    @staticmethod
    def parse(text: str) -> "SipUri":
        """Read a URI. Raises SipRefusal: 416 for another scheme, 400 for what is no URI."""
        return _parse(text)

    def param(self, name: str) -> str | None:
        """A URI parameter's value; None if absent."""
        for key, value in self.params:
            if key == name:
                return value
        return None

    @property
    def opaque(self) -> str | None:
        """The `opaque` parameter, by which conferences and old clients' GRUUs are told apart."""
        return self.param("opaque")

    @property
    def is_anonymous(self) -> bool:
        """Whether it stands for nobody known (RFC 3323): a guest."""
        return self.host == ANONYMOUS_HOST

    def equivalent(self, other: "SipUri") -> bool:
        """Comparison by RFC 3261 section 19.1.4: parameters only one has don't count, save some."""
        mine = (self.scheme, self.user, self.host, self.port)
        if mine != (other.scheme, other.user, other.host, other.port):
            return False
        ours, theirs = dict(self.params), dict(other.params)
        return all((name in ours) == (name in theirs) for name in _ALWAYS_COMPARED) and all(
            ours[name].lower() == theirs[name].lower() for name in ours.keys() & theirs.keys()
        )

    def __str__(self) -> str:
        user = f"{quote(self.user, _USER_SAFE)}@" if self.user else ""
        port = f":{self.port}" if self.port is not None else ""
        params = "".join(
            f";{quote(name, _PARAM_SAFE)}={quote(value, _PARAM_SAFE)}"
            if value
            else f";{quote(name, _PARAM_SAFE)}"
            for name, value in self.params
        )
        return f"{self.scheme}:{user}{self.host}{port}{params}"


@lru_cache(maxsize=_CACHED)
def _parse(text: str) -> SipUri:
    scheme = _SCHEME.match(text)
    if scheme is None or len(text) > _LONGEST:
        raise SipRefusal(400, "Malformed URI")
    name = scheme.group(1).lower()
    if name not in ("sip", "sips"):
        raise SipRefusal(416)
    rest = text[scheme.end() :]
    userinfo, at, hostpart = rest.rpartition("@")
    hostpart, _, headers = hostpart.partition("?")
    if _HEADERS.fullmatch(headers) is None:
        raise SipRefusal(400, "Malformed URI headers")
    authority, semicolon, params = hostpart.partition(";")
    host = _HOST_PORT.fullmatch(authority)
    if host is None:
        raise SipRefusal(400, "Malformed URI host")
    port = int(host.group(2)) if host.group(2) else None
    if port is not None and not 0 < port < 65536:
        raise SipRefusal(400, "Malformed URI port")
    return SipUri(
        name,
        _user(userinfo) if at else "",
        host.group(1).lower().rstrip("."),
        port,
        _params(params) if semicolon else (),
    )


def _user(userinfo: str) -> str:
    user, _, password = userinfo.partition(":")
    if _USER.fullmatch(user) is None or _PASSWORD.fullmatch(password) is None:
        raise SipRefusal(400, "Malformed URI user")
    return _unescape(user)


def _params(text: str) -> tuple[tuple[str, str], ...]:
    params: list[tuple[str, str]] = []
    seen: set[str] = set()
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if _PARAM_TEXT.fullmatch(name) is None:
            raise SipRefusal(400, "Malformed URI parameter")
        if equals and _PARAM_TEXT.fullmatch(value) is None:
            raise SipRefusal(400, "Malformed URI parameter")
        key = _unescape(name).lower()
        if key in seen:
            raise SipRefusal(400, "Repeated URI parameter")
        seen.add(key)
        params.append((key, _unescape(value)))
    return tuple(params)


def _unescape(text: str) -> str:
    if "%" not in text:
        return text
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise SipRefusal(400, "URI is not UTF-8") from None
    if any(character < " " or character == "\x7f" for character in plain):
        raise SipRefusal(400, "Control character in URI")
    return plain
