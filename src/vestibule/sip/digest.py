"""Digest (RFC 7616, RFC 8760): parameters read strictly, responses computed and compared."""

import hashlib
import hmac
import re
from dataclasses import dataclass

from vestibule.sip.refusal import SipRefusal

_PARAMETER = re.compile(
    r'\s*([A-Za-z][A-Za-z0-9-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)'
)
_ESCAPED = re.compile(r"\\(.)")
_LONGEST = 4096
_REQUIRED = ("username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce")


@dataclass(frozen=True, slots=True)
class DigestResponse:
    """An `Authorization: Digest` header. `count` is the nonce count."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str
    """"SHA-256" or "MD5"."""
    count: int
    cnonce: str

    def fits(self, ha1: str, method: str) -> bool:
        """Whether it was computed with the secret behind HA1, for this method and URI."""
        ha2 = digest(self.algorithm, f"{method}:{self.uri}")
        middle = f"{self.nonce}:{self.count:08x}:{self.cnonce}:auth"
        expected = digest(self.algorithm, f"{ha1}:{middle}:{ha2}")
        return hmac.compare_digest(expected.encode(), self.response.encode())


def digest(algorithm: str, text: str) -> str:
    """The hash of a text in lower-case hexadecimal."""
    if algorithm == "MD5":
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return hashlib.sha256(text.encode()).hexdigest()


def ha1(algorithm: str, username: str, realm: str, secret: str) -> str:
    """The digest of user name, realm and secret."""
    return digest(algorithm, f"{username}:{realm}:{secret}")


def parse_digest(parameters: str) -> DigestResponse:
    """Read what follows `Digest `. Raises SipRefusal 400 if it is malformed or lacks qop=auth."""
    fields = _fields(parameters)
    algorithm = fields.get("algorithm", "MD5").upper()
    count = fields.get("nc", "")
    whole = all(fields.get(name) for name in _REQUIRED) and algorithm in ("SHA-256", "MD5")
    if not whole or fields["qop"].lower() != "auth" or not re.fullmatch(r"[0-9a-fA-F]{8}", count):
        raise SipRefusal(400, "Malformed Authorization header")
    return DigestResponse(
        fields["username"], fields["realm"], fields["nonce"], fields["uri"],
        fields["response"].lower(), algorithm, int(count, 16), fields["cnonce"],
    )  # fmt: skip


def _fields(parameters: str) -> dict[str, str]:
    if len(parameters) > _LONGEST:
        raise SipRefusal(400, "Authorization header too long")
    fields: dict[str, str] = {}
    at = 0
    while at < len(parameters):
        match = _PARAMETER.match(parameters, at)
        name = match.group(1).lower() if match else ""
        if match is None or name in fields:
            raise SipRefusal(400, "Malformed Authorization header")
        quoted = match.group(2)
        value = match.group(3) if quoted is None else quoted
        if quoted is not None and "\\" in quoted:
            value = _ESCAPED.sub(r"\1", quoted)
        fields[name] = value
        at = match.end()
    return fields
