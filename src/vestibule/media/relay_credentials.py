"""Relay credentials: random, tied to one person or guest, at most eight hours (N2, N3; DESIGN 4.7)."""

import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from vestibule.identity.principal import Principal

LIFETIME_SECONDS = 8 * 3600

MOST_PER_HOLDER = 20
"""At the same time; the oldest goes when one more is made. A device that asks anew after each start isn't locked out
for hours by those that it has forgotten, and who asks without end gets no more of the relay's memory than this.
"""


class Relay(Protocol):
    """What of the native relay is needed here; see `_native.pyi`."""

    def add_credential(
        self, username: str, password: str, lifetime: float, *, holder: str | None = None
    ) -> None:
        """Know a holder's credential for so many seconds."""

    def remove_credential(self, username: str) -> None:
        """Forget it; its allocations end. No error if it is unknown."""


@dataclass(frozen=True, slots=True)
class RelayPlace:
    """Where clients reach the relay."""

    host: str
    """As it stands in a URI."""
    port: int
    """By UDP, and by TCP without TLS."""
    tls_port: int
    """The web's."""


@dataclass(frozen=True, slots=True)
class RelayCredential:
    """What a client needs to use the relay. `lifetime` in seconds; the password is secret.

    User name and password are base64 (RFC 4648 section 4): there are clients that use what they decode to.
    """

    udp_uri: str
    tcp_uri: str
    """Without TLS, for networks that let no UDP out: the media is encrypted by its senders."""
    tls_uri: str
    """The same relay on the port of the web, for networks that let nothing else out (N8)."""
    username: str
    password: str
    lifetime: int

    def __repr__(self) -> str:
        return f"RelayCredential(udp_uri={self.udp_uri!r}, username={self.username!r})"


@dataclass(frozen=True, slots=True)
class _Issued:
    username: str
    principal: Principal | None


class RelayCredentials:
    """Hands out credentials and takes them back. Callers have proven their client first."""

    def __init__(self, relay: Relay, place: RelayPlace) -> None:
        self._relay = relay
        self.place = place
        self._issued: dict[str, list[_Issued]] = {}
        """By holder, oldest first. One that has expired stays until its holder asks again or goes."""

    def issue(
        self, holder: str, *, seconds: int = LIFETIME_SECONDS, principal: Principal | None = None
    ) -> RelayCredential:
        """A new credential for a holder, such as a seat's id; earlier ones live on until revoked.

        All of a holder's share its quotas. `principal`: whose proof it ends with, if nothing else does it.
        """
        username, password = _random(12), _random(18)
        lifetime = min(seconds, LIFETIME_SECONDS)
        self._relay.add_credential(username, password, lifetime, holder=holder)
        theirs = self._issued.setdefault(holder, [])
        theirs.append(_Issued(username, principal))
        while len(theirs) > MOST_PER_HOLDER:
            self._relay.remove_credential(theirs.pop(0).username)
        host, port, tls_port = self.place.host, self.place.port, self.place.tls_port
        return RelayCredential(
            udp_uri=f"turn:{host}:{port}?transport=udp",
            tcp_uri=f"turn:{host}:{port}?transport=tcp",
            tls_uri=f"turns:{host}:{tls_port}?transport=tcp",
            username=username,
            password=password,
            lifetime=lifetime,
        )

    def revoke(self, holder: str) -> None:
        """End everything issued to a holder. No error if there is nothing."""
        for issued in self._issued.pop(holder, ()):
            self._relay.remove_credential(issued.username)

    def end_unwelcome(self, stands: Callable[[Principal], bool]) -> None:
        """End those whose proof no longer `stands`: access, device or sign-in was taken back (ATTACKS 26)."""
        for holder, theirs in list(self._issued.items()):
            gone = [one for one in theirs if one.principal and not stands(one.principal)]
            for one in gone:
                theirs.remove(one)
                self._relay.remove_credential(one.username)
            if not theirs:
                del self._issued[holder]


def _random(octets: int) -> str:
    return b64encode(secrets.token_bytes(octets)).decode()
