"""An authority in a folder whose clock a test moves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from vestibule.pki.authority import Authority

CRL_BASE = "https://host.test:8443/pki"
NAMES = ("host.test", "127.0.0.1")


class Clock:
    """Whole seconds, from the real present on, so that openssl agrees; `pass_by` moves it."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, span: timedelta) -> None:
        self.now += span


def new_authority(folder: Path, clock: Clock) -> Authority:
    """An authority with a server certificate and CRLs, as after `vestibule init`."""
    authority = Authority(folder / "pki", CRL_BASE, clock)
    authority.create(NAMES)
    authority.issue_server(NAMES)
    authority.publish_crls([])
    return authority
