"""Passkeys (WebAuthn level 3), over py_webauthn: what a browser is asked, and whether the answer is good.

The relying party is the host that clients use, the origin is matched exactly, and the person must
have been verified by the authenticator (PIN or biometrics), so that a passkey alone is two factors.
"""

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

_APPROVED = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_VERIFIED = UserVerificationRequirement.REQUIRED
_MOST_CHARACTERS = 16_384
_MOST_ID_CHARACTERS = 1400


class PasskeyRefused(Exception):
    """The browser's answer proves nothing; the text is for the log."""


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What a registration gave."""

    credential_id: str
    public_key: bytes
    sign_count: int
    device_bound: bool

    @property
    def methods(self) -> tuple[str, ...]:
        """What its use shows, by the names of RFC 8176."""
        return methods_of(device_bound=self.device_bound)


def methods_of(*, device_bound: bool) -> tuple[str, ...]:
    """What a passkey's use shows (RFC 8176): a key, in hardware or not, and a person who unlocked it."""
    return ("hwk" if device_bound else "swk", "user", "mfa")


class RelyingParty:
    """The site that passkeys are made for."""

    def __init__(self, origin: str, *, fips: bool = False) -> None:
        """`fips`: only keys of approved algorithms, which leaves out EdDSA."""
        self._origin = origin
        self._algorithms = _APPROVED if fips else [*_APPROVED, COSEAlgorithmIdentifier.EDDSA]
        self.id = _domain_of(origin)

    @property
    def available(self) -> bool:
        """Whether there can be passkeys: browsers make none for an IP address."""
        return self.id is not None

    def ask_to_register(
        self,
        challenge: bytes,
        *,
        person_id: str,
        name: str,
        display_name: str,
        known: Sequence[str],
    ) -> str:
        """What the browser passes to `navigator.credentials.create`, as JSON."""
        options = webauthn.generate_registration_options(
            rp_id=self._id(),
            rp_name="Vestibule",
            user_id=person_id.encode(),
            user_name=name,
            user_display_name=display_name,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED
            ),
            exclude_credentials=_descriptors(known),
            supported_pub_key_algs=self._algorithms,
        )
        return webauthn.options_to_json(options)

    def registered(self, answer: str, challenge: bytes) -> NewPasskey:
        """The passkey that the browser has made. Raises PasskeyRefused."""
        try:
            made = webauthn.verify_registration_response(
                credential=_limited(answer),
                expected_challenge=challenge,
                expected_rp_id=self._id(),
                expected_origin=self._origin,
                require_user_verification=True,
                supported_pub_key_algs=self._algorithms,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise PasskeyRefused(str(error)) from error
        credential_id = bytes_to_base64url(made.credential_id)
        if len(credential_id) > _MOST_ID_CHARACTERS:
            raise PasskeyRefused("the credential's id is too long")
        bound = made.credential_device_type is CredentialDeviceType.SINGLE_DEVICE
        return NewPasskey(credential_id, made.credential_public_key, made.sign_count, bound)

    def ask_to_sign_in(self, challenge: bytes, known: Sequence[str] = ()) -> str:
        """What the browser passes to `navigator.credentials.get`; any passkey if none are known."""
        options = webauthn.generate_authentication_options(
            rp_id=self._id(),
            challenge=challenge,
            allow_credentials=_descriptors(known),
            user_verification=_VERIFIED,
        )
        return webauthn.options_to_json(options)

    def signed_in(self, answer: str, challenge: bytes, public_key: bytes, sign_count: int) -> int:
        """The passkey's new count, if its signature is good. Raises PasskeyRefused."""
        try:
            verified = webauthn.verify_authentication_response(
                credential=_limited(answer),
                expected_challenge=challenge,
                expected_rp_id=self._id(),
                expected_origin=self._origin,
                credential_public_key=public_key,
                credential_current_sign_count=sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise PasskeyRefused(str(error)) from error
        return verified.new_sign_count

    def _id(self) -> str:
        if self.id is None:
            raise PasskeyRefused("there are no passkeys for an IP address")
        return self.id


def credential_id_of(answer: str) -> str:
    """Which passkey the browser says it used. Raises PasskeyRefused."""
    try:
        said = json.loads(_limited(answer))["id"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PasskeyRefused("not an answer") from error
    if not isinstance(said, str) or len(said) > _MOST_ID_CHARACTERS:
        raise PasskeyRefused("not an answer")
    return said


def _domain_of(origin: str) -> str | None:
    host = urlsplit(origin).hostname
    try:
        ipaddress.ip_address(host or "")
    except ValueError:
        return host
    return None


def _descriptors(known: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(webauthn.base64url_to_bytes(one)) for one in known]


def _limited(answer: str) -> str:
    if len(answer) > _MOST_CHARACTERS:
        raise PasskeyRefused("too long")
    return answer
