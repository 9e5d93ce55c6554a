"""A client's key and the proofs made with it (RFC 9449), by hand so that a test can bend each part."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class ProofKey:
    """A P-256 key that stays with its client."""

    algorithm = "ES256"

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        numbers = self._private.public_key().public_numbers()
        self.jwk: dict[str, Any] = {
            "crv": "P-256",
            "kty": "EC",
            "x": b64(numbers.x.to_bytes(32, "big")),
            "y": b64(numbers.y.to_bytes(32, "big")),
        }

    @property
    def private_number(self) -> str:
        return b64(self._private.private_numbers().private_value.to_bytes(32, "big"))

    @property
    def thumbprint(self) -> str:
        """RFC 7638."""
        text = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        return b64(hashlib.sha256(text.encode()).digest())

    def sign(self, data: bytes) -> bytes:
        r, s = decode_dss_signature(self._private.sign(data, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class EdwardsKey(ProofKey):
    """The same on Ed25519."""

    algorithm = "Ed25519"

    def __init__(self) -> None:
        self._edwards = ed25519.Ed25519PrivateKey.generate()
        public = self._edwards.public_key().public_bytes_raw()
        self.jwk = {"crv": "Ed25519", "kty": "OKP", "x": b64(public)}

    def sign(self, data: bytes) -> bytes:
        return self._edwards.sign(data)


@dataclass
class Prover:
    """Makes proofs; `nonce` is the newest that the server has given."""

    key: ProofKey = field(default_factory=ProofKey)
    nonce: str | None = None
    clock: Callable[[], float] = time.time

    def proof(
        self,
        method: str,
        url: str,
        token: str | None = None,
        *,
        head: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A proof; what is given besides replaces a part of head or claims, None leaves it out."""
        said: dict[str, Any] = {
            "jti": secrets.token_urlsafe(12),
            "htm": method,
            "htu": url,
            "iat": int(self.clock()),
            "nonce": self.nonce,
            "ath": b64(hashlib.sha256(token.encode()).digest()) if token else None,
            **claims,
        }
        heads = {"typ": "dpop+jwt", "alg": self.key.algorithm, "jwk": self.key.jwk, **(head or {})}
        parts = [{k: v for k, v in one.items() if v is not None} for one in (heads, said)]
        signed = ".".join(b64(json.dumps(part).encode()) for part in parts)
        return f"{signed}.{b64(self.key.sign(signed.encode()))}"


class KeyHolder(httpx.Auth):
    """What a client of httpx is given (`auth=`) so that it proves its key as the web client does: at the token
    endpoint, and wherever it shows a token as `DPoP`. A proof that a test has made itself is left as it is.
    """

    requires_response_body = True

    def __init__(self, prover: Prover | None = None) -> None:
        self.prover = prover or Prover()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Once more with the server's nonce, if it wants one in the proof."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        is_due = scheme == "DPoP" or request.url.path == "/identity/token"
        if not is_due or "dpop" in request.headers:
            self._heed((yield request))
            return
        for _ in range(2):
            url = str(request.url.copy_with(query=None))
            request.headers["DPoP"] = self.prover.proof(request.method, url, token or None)
            response = yield request
            self._heed(response)
            said = response.text + response.headers.get("www-authenticate", "")
            if response.is_success or "use_dpop_nonce" not in said:
                return

    def _heed(self, response: httpx.Response) -> None:
        self.prover.nonce = response.headers.get("dpop-nonce", self.prover.nonce)


WITHOUT_PROOF = httpx.Auth()
"""`auth=` of a request for which a client that holds a key doesn't prove it."""


def with_token(token: str | None) -> dict[str, str]:
    """The header in which a bound token is shown; none without one."""
    return {"Authorization": f"DPoP {token}"} if token else {}
