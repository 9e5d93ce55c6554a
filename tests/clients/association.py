"""The client's side of a security association, written from docs/protocol/association.md and nothing of ours."""

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.clients.dpop import with_token

COVERED = (
    "from", "to", "call-id", "cseq", "contact", "content-type", "expires", "event",
    "subscription-state", "refer-to", "replaces",
)  # fmt: skip
_COMPACT = {"f": "from", "t": "to", "i": "call-id", "m": "contact", "c": "content-type",
            "o": "event", "r": "refer-to"}  # fmt: skip

Change = Callable[[str], str]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def framed(*parts: bytes) -> bytes:
    return b"".join(struct.pack("!I", len(part)) + part for part in parts)


def canonical(text: str, direction: str, number: int) -> bytes:
    """The canonical form of a message as it stands on the wire."""
    head, _, body = text.partition("\r\n\r\n")
    head = re.sub(r"[ \t]*(?:\r\n[ \t]+)+", " ", head)
    first, *lines = head.split("\r\n")
    if first.startswith("SIP/2.0 "):
        start = [b"response", first.split(" ")[1].encode(), b""]
    else:
        method, uri, _ = first.split(" ")
        start = [b"request", method.encode(), uri.encode()]
    found: dict[str, list[bytes]] = {name: [] for name in COVERED}
    for line in lines:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        found.get(_COMPACT.get(name, name), []).append(value.strip(" \t").encode())
    parts = [b"vestibule message proof 1", direction.encode(), str(number).encode(), *start]
    parts.append(hashlib.sha256(body.encode()).digest())
    for name in COVERED:
        parts += [str(len(found[name])).encode(), *found[name]]
    return framed(*parts)


def mac(key: bytes, form: bytes) -> str:
    return b64(hmac.digest(key, form, "sha256"))


@dataclass
class ClientAssociation:
    """Signs what a client says, and verifies what it hears."""

    name: str
    to_server: bytes
    to_client: bytes
    seconds: int
    sent: int = 0
    heard: int = 0
    last: str = field(default="", repr=False)

    @classmethod
    def open(
        cls,
        browser: httpx.Client,
        token: str,
        person: str,
    ) -> "ClientAssociation":
        """Agree on one with the server, by an access token of that browser (`oidc.tokens`)."""
        private = ec.generate_private_key(ec.SECP256R1())
        public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        body = {"public_key": b64(public)}
        answer = browser.post("/identity/associations", json=body, headers=with_token(token))
        assert answer.status_code == 201, answer.text
        given = answer.json()
        return cls.agree(
            private, public, given["id"], unb64(given["public_key"]), person, given["expires_in"]
        )

    @classmethod
    def agree(
        cls,
        private: ec.EllipticCurvePrivateKey,
        public: bytes,
        name: str,
        server: bytes,
        person: str,
        seconds: int,
    ) -> "ClientAssociation":
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), server)
        secret = private.exchange(ec.ECDH(), theirs)

        def derive(direction: bytes) -> bytes:
            info = framed(b"vestibule association 1", direction, person.encode(), public, server)
            return HKDF(SHA256(), 32, salt=name.encode(), info=info).derive(secret)

        return cls(name, derive(b"client-to-server"), derive(b"server-to-client"), seconds)

    def sign(self, text: str, *, number: int | None = None) -> str:
        """The message with its proof, behind its first line."""
        if number is None:
            self.sent += 1
            number = self.sent
        code = mac(self.to_server, canonical(text, "client-to-server", number))
        proof = f'id="{self.name}", seq={number}, mac="{code}"'
        name = (
            "Association-Proof: " if text.startswith("SIP/2.0") else "Authorization: Association "
        )
        first, end, rest = text.partition("\r\n")
        self.last = f"{first}{end}{name}{proof}\r\n{rest}"
        return self.last

    def verify(self, text: str) -> bool:
        """Whether the server's message is proven, and newer than all before."""
        found = re.findall(
            r'(?im)^Association-Proof: id="([\w-]{22})", seq=(\d+), mac="([\w-]{43})"\r$', text
        )
        if len(found) != 1:
            return False
        name, digits, code = found[0]
        right = mac(self.to_client, canonical(text, "server-to-client", int(digits)))
        if name != self.name or not hmac.compare_digest(right, code) or int(digits) <= self.heard:
            return False
        self.heard = int(digits)
        return True
