"""Relay credentials: random, tied to one person or guest, at most eight hours (N2, N3; DESIGN 4.7)."""

import secrets
from dataclasses import dataclass
from typing import Protocol

LIFETIME_SECONDS = 8 * 3600


class Relay(Protocol):
    """What of the native relay is needed here; see `_native.pyi`."""

    def add_credential(
        self, username: str, password: str, lifetime: float, *, holder: str | None = None
    ) -> None:
        """Know a holder's credential for so many seconds."""

    def remove_credential(self, username: str) -> None:
        """Forget it; its allocations end."""


@dataclass(frozen=True, slots=True)
class RelayCredential:
    """What a client needs to use the relay. `lifetime` in seconds; the password is secret."""

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


class RelayCredentials:
    """Hands out credentials and takes them back. Callers have proven their client first."""

    def __init__(self, relay: Relay, *, udp_uri: str, tcp_uri: str, tls_uri: str) -> None:
        """Where the relay is (RFC 7065)."""
        self._relay = relay
        self._uris = udp_uri, tcp_uri, tls_uri
        self._usernames: dict[str, list[str]] = {}

    def issue(self, holder: str) -> RelayCredential:
        """A new credential for a holder, such as a seat's id; earlier ones live on until revoked."""
        username, password = secrets.token_urlsafe(12), secrets.token_urlsafe(18)
        self._relay.add_credential(username, password, LIFETIME_SECONDS, holder=holder)
        self._usernames.setdefault(holder, []).append(username)
        return RelayCredential(*self._uris, username, password, LIFETIME_SECONDS)

    def revoke(self, holder: str) -> None:
        """End everything issued to a holder. No error if there is nothing."""
        for username in self._usernames.pop(holder, ()):
            self._relay.remove_credential(username)
