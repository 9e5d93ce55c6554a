"""Whom we believe when we fetch: the system's authorities and the admin's, by revocation lists (DESIGN.md §4.2).

A server that no list tells of is refused once, its lists are fetched from where its certificate says,
and it is tried again. Those lists come over http or over https; there the chain and the name count, and
a server known to be revoked is refused, but no further list is asked for: what comes is signed, and a list whose
own server needs that same list could never be had (docs/adr/0016-fetched-servers-are-checked-for-revocation.md).
"""

import ssl
from pathlib import Path

from vestibule._native import OutboundTls, TlsLine
from vestibule.outbound.addresses import OutboundPolicy
from vestibule.outbound.fetcher import Fetcher, FetchLimits
from vestibule.pki.foreign_lists import ForeignLists


class OutboundTrust:
    """Between `start` and `close` lists are renewed ahead of their end. `folder` keeps them."""

    def __init__(
        self,
        folder: Path,
        policy: OutboundPolicy,
        *,
        authorities_pem: bytes = b"",
        crl_grace_seconds: int = 0,
        fips: bool = False,
        limits: FetchLimits | None = None,
    ) -> None:
        """`limits` are of one list. Raises ValueError if an authority can't be read."""
        self._roots = system_authorities() + authorities_pem
        self._grace, self._fips = crl_grace_seconds, fips
        self._still_wanted: set[str] = set()
        self._tls = self._made([])
        fetcher = Fetcher(policy, limits=limits, tls=self, lists_only=True)
        self._lists = ForeignLists(
            folder, wanted=self._wanted, fetch=fetcher.fetch, on_change=self._use
        )

    def start(self) -> None:
        """Use what an earlier run kept, and begin to renew."""
        self._lists.start()

    async def close(self) -> None:
        """Stop renewing."""
        await self._lists.close()

    def line(self, host: str, *, lists_only: bool) -> TlsLine:
        """The TLS of one connection."""
        return self._tls.connect(host, lists_only=lists_only)

    async def look(self) -> None:
        """Fetch the lists that a server was refused for the lack of."""
        await self._lists.look()

    def _wanted(self) -> set[str]:
        wanted = self._still_wanted.union(self._tls.wanted_crls())
        self._still_wanted = set()
        return wanted

    def _use(self) -> None:
        self._still_wanted.update(self._tls.wanted_crls())
        self._tls = self._made(self._lists.lists_der())

    def _made(self, lists: list[bytes]) -> OutboundTls:
        return OutboundTls(self._roots, lists, crl_grace_seconds=self._grace, fips=self._fips)


def system_authorities() -> bytes:
    """The authorities that this machine trusts, as PEM; none if it has no such list.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` say where else it is, as they do to OpenSSL.
    """
    places = ssl.get_default_verify_paths()
    if places.cafile is not None:
        return Path(places.cafile).read_bytes()
    folder = Path(places.capath) if places.capath else None
    files = sorted({file.resolve() for file in folder.iterdir()}) if folder else []
    return b"\n".join(file.read_bytes() for file in files if file.is_file())
