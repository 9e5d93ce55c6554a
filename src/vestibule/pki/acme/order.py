"""One order, from the account to the certificate (RFC 8555 section 7.4), by certbot's `acme`.

Everything here waits for the authority and runs in a thread of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import requests
from acme import challenges, client, errors, messages
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from josepy.errors import Error as JoseError
from josepy.jwa import ES256
from josepy.jwk import JWKEC
from josepy.util import ComparableECKey
from requests.adapters import BaseAdapter

from vestibule.pki.certificates import new_leaf_key
from vestibule.pki.files import key_pem, private_folder, read_key, write_private

T = TypeVar("T")
Answer = Callable[[str, str], None]
_LONGEST_ORDER = timedelta(minutes=5)


class OrderFailed(Exception):
    """There is no certificate. `reason` is a few plain words, `args` what the authority said."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AcmeAccount:
    """Whom we order from, and as whom. The terms of service have been agreed to by the admin."""

    directory: str
    contact: str | None
    key_file: Path


@dataclass(frozen=True, slots=True)
class Issued:
    """What an order came to: a new key, and the chain as PEM."""

    key: ec.EllipticCurvePrivateKey
    chain: bytes


class AcmeAuthority:
    """The authority. `transport` is what every request goes through."""

    def __init__(self, account: AcmeAccount, transport: BaseAdapter) -> None:
        self._account = account
        self._transport = transport

    def order(self, names: tuple[str, ...], answer: Answer) -> Issued:
        """A certificate for these names; `answer` publishes what has to be had by HTTP, by path.

        Raises OrderFailed, and OSError if the account's key can't be read or kept.
        """
        key = new_leaf_key()
        return Issued(key, _told(lambda: self._order(_request(key, names), answer)))

    def renewal_time(self, certificate_pem: bytes) -> datetime | None:
        """When the authority would like it renewed (ARI, RFC 9773); None if it doesn't say.

        Raises OrderFailed if it can't be asked.
        """
        when, _ = _told(lambda: self._client().renewal_time(certificate_pem))
        if when is None:
            return None
        return when if when.tzinfo else when.replace(tzinfo=UTC)

    # --- inside ---

    def _order(self, request_pem: bytes, answer: Answer) -> bytes:
        acme = self._client()
        self._register(acme)
        order = acme.new_order(request_pem)
        for authorization in order.authorizations:
            if authorization.body.status != messages.STATUS_VALID:
                _take_challenge(acme, authorization, answer)
        deadline = datetime.now() + _LONGEST_ORDER  # naive, as the library's times are
        return str(acme.poll_and_finalize(order, deadline).fullchain_pem).encode()

    def _client(self) -> client.ClientV2:
        key = JWKEC(key=ComparableECKey(self._key()))
        network = client.ClientNetwork(key, alg=ES256, user_agent="vestibule")
        network.session.trust_env = False  # no proxy, no .netrc, no other authorities
        network.session.max_redirects = 1
        for scheme in ("http://", "https://"):
            network.session.mount(scheme, self._transport)
        directory = client.ClientV2.get_directory(self._account.directory, network)
        return client.ClientV2(directory, network)

    def _key(self) -> ec.EllipticCurvePrivateKey:
        file = self._account.key_file
        if not file.exists():
            private_folder(file.parent)
            write_private(file, key_pem(new_leaf_key()))
        return read_key(file)

    def _register(self, acme: client.ClientV2) -> None:
        """Say who we are; an account that is there already is found by its key (section 7.3.1)."""
        wanted = messages.NewRegistration.from_data(
            email=self._account.contact, terms_of_service_agreed=True
        )
        try:
            acme.new_account(wanted)
        except errors.ConflictError as known:
            acme.net.account = messages.RegistrationResource(
                uri=known.location, body=messages.Registration()
            )


def _take_challenge(
    acme: client.ClientV2, authorization: messages.AuthorizationResource, answer: Answer
) -> None:
    for offered in authorization.body.challenges:
        if isinstance(offered.chall, challenges.HTTP01):
            response, validation = offered.response_and_validation(acme.net.key)
            answer(offered.chall.path, validation)
            acme.answer_challenge(offered, response)
            return
    raise OrderFailed("no challenge that we know", authorization.body.identifier.value)


def _request(key: ec.EllipticCurvePrivateKey, names: tuple[str, ...]) -> bytes:
    """A CSR for the names; the subject stays empty, as authorities ignore it."""
    alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    return signed.public_bytes(Encoding.PEM)


def _told(work: Callable[[], T]) -> T:
    """Do it; whatever goes wrong at the authority is said in one way."""
    try:
        return work()
    except requests.RequestException as error:
        raise OrderFailed("authority not reached", str(error)) from error
    except errors.TimeoutError as error:
        raise OrderFailed("authority took too long", "") from error
    except errors.ValidationError as error:
        raise OrderFailed("name not validated", str(error)) from error
    except (errors.Error, messages.Error) as error:
        raise OrderFailed("authority refused", str(error)) from error
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise OrderFailed("authority not understood", f"{type(error).__name__}: {error}") from error
