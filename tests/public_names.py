"""A real edge whose certificate a public authority renews; a test moves the clock and looks."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from tests.certificates import TestAuthority
from tests.running_edge import RunningEdge
from vestibule.edge.outbound_trust import OutboundTrust
from vestibule.outbound.addresses import OutboundPolicy
from vestibule.outbound.fetcher import Fetcher, FetchLimits
from vestibule.outbound.requests_transport import FetcherTransport
from vestibule.pki.acme.challenge import Challenges
from vestibule.pki.acme.order import AcmeAccount, AcmeAuthority
from vestibule.pki.acme.public_certificate import PublicCertificate
from vestibule.pki.acme.renewal import PublicRenewal, PublicRenewalParts
from vestibule.pki.witness import CertificateEvent

NAME = "meet.vestibule.test"
OURS = TestAuthority()


class RenewedEdge:
    """Made within a running event loop. `told` is what the witness heard."""

    def __init__(
        self,
        folder: Path,
        directory: str,
        directory_root: bytes,
        challenge_port: int,
        *,
        names: tuple[str, ...] = (NAME,),
        without_crl: bool = True,
        networks: tuple[str, ...] = ("127.0.0.1/32",),
    ) -> None:
        self.edge = RunningEdge(OURS)
        self.told: list[CertificateEvent] = []
        self.folder = folder / "public"
        self._ahead = timedelta()
        self.certificate = PublicCertificate(
            self.folder, names, without_crl=without_crl, clock=self._clock
        )
        policy = OutboundPolicy(networks)
        limits = FetchLimits(seconds=5.0, octets=100_000)
        trust = OutboundTrust(
            folder / "outbound", policy, authorities_pem=directory_root, limits=limits
        )
        fetcher = Fetcher(policy, limits=limits, tls=trust)
        account = AcmeAccount(directory, "admin@vestibule.test", self.certificate.account_key_file)
        transport = FetcherTransport(fetcher, asyncio.get_running_loop())
        self.authority = AcmeAuthority(account, transport)
        self.renewal = PublicRenewal(
            PublicRenewalParts(
                certificate=self.certificate,
                authority=self.authority,
                challenges=Challenges("127.0.0.1", challenge_port),
                on_change=self._use,
                witness=self.told.append,
                clock=self._clock,
            )
        )

    def pass_by(self, span: timedelta) -> None:
        """Move the clock on."""
        self._ahead += span

    @property
    def failures(self) -> list[str | None]:
        """Why orders failed, in order."""
        return [event.reason for event in self.told if event.reason is not None]

    async def shown(self) -> x509.Certificate:
        """What the edge shows to somebody who connects now, whoever signed it."""
        return await asyncio.to_thread(self._shown)

    def trusting(self, root_pem: str) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=root_pem)

    def _shown(self) -> x509.Certificate:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.edge.port), timeout=10) as plain,
            context.wrap_socket(plain) as line,
        ):
            return x509.load_der_x509_certificate(line.getpeercert(binary_form=True) or b"")

    def _use(self) -> None:
        held = self.certificate.in_use()
        if held is None:
            self.edge.edge.set_identity(self.edge.identity.chain_pem, self.edge.identity.key_pem)
        else:
            self.edge.edge.set_identity(held.chain, held.key)

    def _clock(self) -> datetime:
        return datetime.now(UTC) + self._ahead
