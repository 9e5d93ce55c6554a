"""What is journalled: a fixed list, so that a reader knows what to look for and a typo is no new kind."""

from enum import StrEnum


class Outcome(StrEnum):
    """How it went."""

    DONE = "done"
    REFUSED = "refused"


class Kind(StrEnum):
    """The kinds of entries (docs/admins/journal.md says what each holds)."""

    SIGN_IN_ACCEPTED = "sign-in.accepted"
    SIGN_IN_REFUSED = "sign-in.refused"
    SIGN_IN_THROTTLED = "sign-in.throttled"
    SIGN_IN_BLOCKED = "sign-in.blocked"
    SIGN_IN_BREAK_GLASS = "sign-in.break-glass"
    SIGN_OUT = "sign-out"
    GRANT_REVOKED = "grant.revoked"
    DEVICE_SIGN_IN_APPROVED = "device-sign-in.approved"
    DEVICE_SIGN_IN_DENIED = "device-sign-in.denied"
    PERSONAL_TOKEN_CREATED = "personal-token.created"  # noqa: S105 - a kind, not a token
    PERSONAL_TOKEN_REVOKED = "personal-token.revoked"  # noqa: S105 - a kind, not a token
    TOKEN_REUSED = "token.reused"  # noqa: S105 - a kind, not a token

    PROOF_REFUSED = "proof.refused"
    PROOF_THROTTLED = "proof.throttled"
    REQUEST_REFUSED = "request.refused"
    ACCESS_ENDED = "access.ended"

    ADMISSION_LOBBY = "admission.lobby"
    ADMISSION_ADMITTED = "admission.admitted"
    ADMISSION_REJECTED = "admission.rejected"
    ADMISSION_REFUSED = "admission.refused"
    ADMISSION_TIMED_OUT = "admission.timed-out"
    ROLE_CHANGED = "role.changed"
    PARTICIPANT_MUTED = "participant.muted"
    PARTICIPANT_UNMUTED = "participant.unmuted"
    PARTICIPANT_REMOVED = "participant.removed"
    MEETING_CREATED = "meeting.created"
    MEETING_KEY_REPLACED = "meeting.key-replaced"
    MEETING_ENDED = "meeting.ended"
    MEETING_DELETED = "meeting.deleted"

    RECORDING_STARTED = "recording.started"
    RECORDING_STOPPED = "recording.stopped"
    RECORDING_INTERRUPTED = "recording.interrupted"
    RECORDING_AGREED = "recording.agreed"
    RECORDING_DISAGREED = "recording.disagreed"
    RECORDING_DOWNLOADED = "recording.downloaded"
    RECORDING_DELETED = "recording.deleted"
    RECORDING_EXPIRED = "recording.expired"

    TENANT_ADDED = "tenant.added"
    POLICY_CHANGED = "policy.changed"
    PERSON_ADDED = "person.added"
    PERSON_CHANGED = "person.changed"
    PERSON_REMOVED = "person.removed"
    PERSON_ENABLED = "person.enabled"
    PERSON_DISABLED = "person.disabled"
    PERSON_PASSWORD_CHANGED = "person.password-changed"  # noqa: S105 - a kind, not a password
    PERSON_BREAK_GLASS_CHANGED = "person.break-glass-changed"
    PROVIDER_ADDED = "identity-provider.added"
    PROVIDER_CHANGED = "identity-provider.changed"
    PROVIDER_REMOVED = "identity-provider.removed"
    ACCOUNT_LINKED = "account.linked"
    ACCOUNT_UNLINKED = "account.unlinked"
    PROVISIONING_TOKEN_MADE = "provisioning-token.made"  # noqa: S105 - a kind, not a token
    PROVISIONING_TOKEN_REVOKED = "provisioning-token.revoked"  # noqa: S105 - a kind, not a token
    FACTOR_ADDED = "factor.added"
    FACTOR_REMOVED = "factor.removed"
    DEVICE_ENROLLED = "device.enrolled"
    DEVICE_REVOKED = "device.revoked"
    DEVICE_LINK_MADE = "device.link-made"
    DEVICE_LINK_REFUSED = "device.link-refused"

    CERTIFICATE_ISSUED = "certificate.issued"
    CERTIFICATE_RENEWED = "certificate.renewed"
    CERTIFICATE_REVOKED = "certificate.revoked"
    CERTIFICATE_FAILED = "certificate.failed"

    TRUSTED_SERVER_ADDED = "trusted-server.added"
    TRUSTED_SERVER_REMOVED = "trusted-server.removed"
    TRUSTED_SERVER_REFUSED = "trusted-server.refused"
    CERTIFICATE_REFUSED = "certificate.refused"

    SERVER_STARTED = "server.started"
    SERVER_STOPPED = "server.stopped"
    JOURNAL_CHECKPOINT = "journal.checkpoint"


ALWAYS_REFUSED = frozenset(
    {
        Kind.SIGN_IN_REFUSED,
        Kind.SIGN_IN_THROTTLED,
        Kind.SIGN_IN_BLOCKED,
        Kind.TOKEN_REUSED,
        Kind.PROOF_REFUSED,
        Kind.PROOF_THROTTLED,
        Kind.REQUEST_REFUSED,
        Kind.ADMISSION_REFUSED,
        Kind.CERTIFICATE_FAILED,
        Kind.TRUSTED_SERVER_REFUSED,
        Kind.DEVICE_LINK_REFUSED,
        Kind.CERTIFICATE_REFUSED,
    }
)
"""Kinds that are refusals by their nature."""

COUNTED_AFTER: dict[Kind, int] = {
    Kind.ADMISSION_LOBBY: 200,
    Kind.ADMISSION_TIMED_OUT: 200,
}
"""Kinds that strangers can cause at will without being refused, with how many of them from one source
are written one by one before the rest is counted. Refusals have a limit of their own (`flood.py`)."""

GIVES = frozenset(
    {
        Kind.SIGN_IN_ACCEPTED,
        Kind.DEVICE_SIGN_IN_APPROVED,
        Kind.PERSONAL_TOKEN_CREATED,
        Kind.ADMISSION_ADMITTED,
        Kind.ROLE_CHANGED,
        Kind.RECORDING_STARTED,
        Kind.RECORDING_AGREED,
        Kind.RECORDING_DOWNLOADED,
    }
)
"""Acts that give somebody something, noted before they take effect: with a full journal they don't."""

NEVER_COUNTED = frozenset({Kind.TOKEN_REUSED})
"""Refusals that are written one by one however many come: each ended somebody's sign-in."""
