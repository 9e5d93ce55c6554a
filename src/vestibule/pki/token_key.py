"""An authority's key in a PKCS#11 token (OASIS PKCS #11 3.1): the token signs, the key stays inside.

Each use opens a session of its own and closes it, so that a token that was restarted, or pulled out
and put back, needs no restart of ours.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pkcs11
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from vestibule.pki.files import read_private
from vestibule.pki.token_place import TokenPlace, TokenUnusable

_CURVE = encode_named_curve_parameters("secp384r1")  # that of keys in files, too


class Token:
    """Speaks to the token of a place. Nothing is loaded or opened before the first use."""

    def __init__(self, place: TokenPlace) -> None:
        self._place = place
        self._wrong_pin: str | None = None
        self._one_at_a_time = threading.Lock()  # a login is the whole process's, not the session's

    def key(self) -> "TokenKey":
        """The key that is in the token. Raises TokenUnusable if it isn't, or can't be reached."""
        with self._session() as session:
            self._private(session)
            try:
                public = session.get_key(ObjectClass.PUBLIC_KEY, KeyType.EC, self._place.key)
            except pkcs11.NoSuchKey:
                raise TokenUnusable(
                    f"{self._name} has no public key {self._place.key!r} beside the private one"
                ) from None
            return TokenKey(_public_key(public), self._sign)

    def check_free(self) -> None:
        """Raises TokenUnusable if the token can't be reached, or has a key of that label."""
        with self._session(writing=True) as session:
            self._require_free(session)

    def make_key(self) -> "TokenKey":
        """Make a key pair inside the token, which never gives the private one out.

        Raises TokenUnusable if a key has that label already, or the token can't be reached.
        """
        with self._session(writing=True) as session:
            self._require_free(session)
            curve = session.create_domain_parameters(
                KeyType.EC, {Attribute.EC_PARAMS: _CURVE}, local=True
            )
            public, _ = curve.generate_keypair(
                mechanism=Mechanism.EC_KEY_PAIR_GEN,
                id=os.urandom(16),
                label=self._place.key,
                store=True,
                private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
            )
            return TokenKey(_public_key(public), self._sign)

    def _require_free(self, session: pkcs11.Session) -> None:
        if list(session.get_objects({Attribute.LABEL: self._place.key})):
            raise TokenUnusable(f"{self._name} has {self._place.key!r} already: name another key")

    def _sign(self, digest: bytes) -> bytes:
        with self._session() as session:
            return bytes(self._private(session).sign(digest, mechanism=Mechanism.ECDSA))

    def _private(self, session: pkcs11.Session) -> Any:
        try:
            return session.get_key(ObjectClass.PRIVATE_KEY, KeyType.EC, self._place.key)
        except pkcs11.NoSuchKey:
            raise TokenUnusable(
                f"{self._name} has no elliptic-curve key {self._place.key!r}"
            ) from None

    @contextmanager
    def _session(self, *, writing: bool = False) -> Iterator[pkcs11.Session]:
        with self._one_at_a_time:
            pin = self._pin()
            try:
                with self._token().open(rw=writing, user_pin=pin) as session:
                    yield session
            except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange):
                self._wrong_pin = pin
                raise self._pin_refused() from None
            except pkcs11.PinLocked:
                raise TokenUnusable(f"{self._name} has locked its PIN") from None
            except pkcs11.PKCS11Error as error:
                raise TokenUnusable(f"{self._name} failed: {_reason(error)}") from error

    def _token(self) -> pkcs11.Token:
        try:
            return pkcs11.lib(str(self._place.module)).get_token(token_label=self._place.token)
        except pkcs11.NoSuchToken:
            raise TokenUnusable(
                f"{self._place.module} knows no token {self._place.token!r}"
            ) from None
        except pkcs11.MultipleTokensReturned:
            raise TokenUnusable(f"there are several tokens {self._place.token!r}") from None
        except pkcs11.PKCS11Error as error:
            raise TokenUnusable(
                f"the PKCS#11 module {self._place.module} can't be used: {_reason(error)}"
            ) from error

    def _pin(self) -> str:
        """The PIN. Tokens lock themselves after some wrong ones: one that was wrong isn't tried again."""
        pin = read_private(self._place.pin_file).decode().rstrip("\r\n")
        if not pin:
            raise TokenUnusable(f"{self._place.pin_file} is empty: it must hold the token's PIN")
        if pin == self._wrong_pin:
            raise self._pin_refused()
        return pin

    def _pin_refused(self) -> TokenUnusable:
        return TokenUnusable(f"{self._name} refuses the PIN in {self._place.pin_file}")

    @property
    def _name(self) -> str:
        return f"the token {self._place.token!r}"


class TokenKey(ec.EllipticCurvePrivateKey):
    """The private key in the token, as the builders of certificates and CRLs take it."""

    def __init__(
        self, public_key: ec.EllipticCurvePublicKey, sign_digest: Callable[[bytes], bytes]
    ) -> None:
        self._public_key = public_key
        self._sign_digest = sign_digest

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """An ECDSA signature (DER). Raises TokenUnusable if the token doesn't make a good one."""
        algorithm = signature_algorithm.algorithm
        if isinstance(algorithm, Prehashed):
            raise UnsupportedAlgorithm("a key in a token signs data, not digests")
        digest = hashes.Hash(algorithm)
        digest.update(data)
        raw = self._sign_digest(digest.finalize())
        half = len(raw) // 2
        signature = encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
        # A faulty token's signature can give the key away, and another key's would be published.
        try:
            self._public_key.verify(signature, data, signature_algorithm)
        except InvalidSignature:
            raise TokenUnusable("the token's signature doesn't fit its public key") from None
        return signature

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public key, which is known here."""
        return self._public_key

    @property
    def curve(self) -> ec.EllipticCurve:
        """The key's curve."""
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        """The key's size in bits."""
        return self._public_key.key_size

    def private_numbers(self) -> NoReturn:
        """Refused: the key never leaves the token."""
        raise _stays_inside()

    def private_bytes(self, *_: object, **__: object) -> NoReturn:
        """Refused: the key never leaves the token."""
        raise _stays_inside()

    def exchange(self, *_: object, **__: object) -> NoReturn:
        """Refused: an authority's key signs, and does nothing else."""
        raise _stays_inside()

    def __copy__(self) -> "TokenKey":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "TokenKey":
        return self


def _public_key(public: Any) -> ec.EllipticCurvePublicKey:
    key = load_der_public_key(encode_ec_public_key(public))
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TokenUnusable("the token's public key is not of an elliptic curve")
    return key


def _reason(error: pkcs11.PKCS11Error) -> str:
    return str(error) or type(error).__name__


def _stays_inside() -> UnsupportedAlgorithm:
    return UnsupportedAlgorithm("the key stays in its token")
