"""Public names, put together: what a server needs of this folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from requests.adapters import BaseAdapter

from vestibule.pki.acme.challenge import Challenges
from vestibule.pki.acme.order import AcmeAccount, AcmeAuthority
from vestibule.pki.acme.public_certificate import PublicCertificate
from vestibule.pki.acme.renewal import PublicRenewal, PublicRenewalParts
from vestibule.pki.witness import Witness


class AcmeSettings(Protocol):
    """What an admin set; as in `config.py`."""

    @property
    def acme_directory(self) -> str | None:
        """None: nothing is ordered, and our own authority's certificate serves."""

    @property
    def acme_contact(self) -> str | None:
        """A mail address."""

    @property
    def public_names(self) -> tuple[str, ...]:
        """DNS names."""

    @property
    def acme_without_crl(self) -> bool:
        """Whether a certificate that names no CRL may be used."""

    @property
    def bind(self) -> str:
        """Where the authority's request comes in: an address."""

    @property
    def acme_challenge_port(self) -> int:
        """And a port."""


class PublicNames:
    """Orders and renews; `on_change` is called when `identity` has changed."""

    def __init__(
        self,
        folder: Path,
        settings: AcmeSettings,
        on_change: Callable[[], None],
        witness: Witness,
    ) -> None:
        self.certificate = PublicCertificate(
            folder, settings.public_names, without_crl=settings.acme_without_crl
        )
        self._settings = settings
        self._on_change = on_change
        self._witness = witness
        self._end_transport: Callable[[], None] = _nothing
        self._renewal: PublicRenewal | None = None

    def identity(self) -> tuple[bytes, bytes] | None:
        """Chain and key as PEM; None if our own authority's must serve."""
        held = self.certificate.in_use() if self._settings.acme_directory else None
        return None if held is None else (held.chain, held.key)

    def start(self, transport: BaseAdapter, end_transport: Callable[[], None]) -> None:
        """Begin to order what is due, in the background.

        Every request goes through `transport`, and `end_transport` makes further ones fail.
        """
        settings = self._settings
        if settings.acme_directory is None:
            return
        account = AcmeAccount(
            settings.acme_directory, settings.acme_contact, self.certificate.account_key_file
        )
        self._end_transport = end_transport
        self._renewal = PublicRenewal(
            PublicRenewalParts(
                certificate=self.certificate,
                authority=AcmeAuthority(account, transport),
                challenges=Challenges(settings.bind, settings.acme_challenge_port),
                on_change=self._on_change,
                witness=self._witness,
            )
        )
        self._renewal.start()

    async def close(self) -> None:
        """Give up what is under way."""
        self._end_transport()
        if self._renewal is not None:
            await self._renewal.close()


def _nothing() -> None:
    """There is no transport yet."""
