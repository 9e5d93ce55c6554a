"""What the directory holds."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from vestibule.directory.conditional_access import ConditionalAccess


class Access(StrEnum):
    """Who skips the lobby of a meeting (C13)."""

    ORGANIZER = "organizer"
    INVITED = "invited"
    ORGANISATION = "organisation"
    ANYONE = "anyone"


class Presenting(StrEnum):
    """Who presents in a meeting (C16)."""

    ORGANIZER = "organizer"
    ORGANISATION = "organisation"
    EVERYONE = "everyone"
    CHOSEN = "chosen"


class BreakGlass(StrEnum):
    """Whether an account is kept for emergencies: which conditions of signing in it passes (I5)."""

    NO = "no"
    BLOCKS = "blocks"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class TenantPolicy:
    """What a tenant allows. `lobby_timeout` in seconds."""

    device_digest: bool = False
    """Whether phones may prove themselves by a device secret (I6)."""
    device_digest_md5: bool = False
    """Whether such a proof may use MD5, for old phones."""
    access: Access = Access.ORGANISATION
    presenting: Presenting = Presenting.ORGANISATION
    lobby_timeout: float = 900.0
    phones_bypass_lobby: bool = False
    recording: bool = False
    """Whether leaders may record meetings; whoever is in one is recorded only if they agree."""
    recording_days: int = 30
    """How many days a recording is kept."""
    device_sign_in: bool = False
    """Whether command lines and phones may be signed in by a code that a person types (I2)."""
    personal_token_days: int = 0
    """How many days a personal token for scripts may live; 0: there are none (I5)."""
    conditional_access: ConditionalAccess = field(default_factory=ConditionalAccess)
    """Who may sign in from where and with what (I5)."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organisation. Its first domain is the one that new people get."""

    id: str
    name: str
    domains: tuple[str, ...]
    policy: TenantPolicy


@dataclass(frozen=True, slots=True)
class Person:
    """An account."""

    id: str
    tenant: str
    user: str
    domain: str
    display_name: str
    email: str
    licensed: bool
    """Whether the person may create meetings (C1)."""
    enabled: bool
    break_glass: BreakGlass = BreakGlass.NO
    source: str = ""
    """What the account is kept in step with: "scim", "ldap", "openid" or, if nothing, empty."""
    external_id: str | None = None
    """What that source calls it."""
    removed_at: float | None = None
    """Seconds since 1970; when the source said that there is no such account any more."""

    @property
    def aor(self) -> str:
        """Address of record."""
        return f"sip:{self.user}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Device:
    """A device that proves itself by a certificate, or by a secret of its own."""

    id: str
    person: str
    tenant: str
    name: str
    kind: Literal["certificate", "digest"]
    serial: str | None
    """Of its certificate, in lower-case hexadecimal without leading zeros."""
    ha1_sha256: str | None = field(repr=False)
    """Digest of `user:domain:secret` (RFC 7616): as good as the secret itself, so never shown."""
    ha1_md5: str | None = field(repr=False)
    revoked_at: float | None = None
    """Seconds since 1970; None while it is good."""

    @property
    def revoked(self) -> bool:
        """Whether it proves nothing any more."""
        return self.revoked_at is not None
