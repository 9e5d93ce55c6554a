"""Why somebody who came from another provider is not in."""

from enum import StrEnum


class Reason(StrEnum):
    """Words for the log and the journal."""

    UNREACHABLE = "provider unreachable"
    METADATA = "provider metadata"
    DENIED = "denied by the provider"
    STATE = "state"
    ISSUER = "issuer"
    CODE = "code"
    TOKEN = "id token"  # noqa: S105 - a reason
    SIGNATURE = "signature"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NONCE = "nonce"
    AUTH_TIME = "not signed in anew"
    UNKNOWN = "account not linked"
    ADDRESS = "address taken or unfit"
    DISABLED = "disabled"


class ExternalRefused(Exception):
    """Not let in. Nothing of what the other side said is in it."""

    def __init__(self, reason: Reason, hint: str = "") -> None:
        """`hint`: our own words on what was wrong, for an admin."""
        super().__init__(f"{reason.value}: {hint}" if hint else reason.value)
        self.reason = reason
