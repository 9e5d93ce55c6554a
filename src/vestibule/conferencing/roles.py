"""Roles and what each may do (REQUIREMENTS C7, C20). The rule is data; `may` only reads it."""

from enum import StrEnum


class Role(StrEnum):
    """What somebody is in a meeting."""

    ORGANIZER = "organizer"
    PRESENTER = "presenter"
    ATTENDEE = "attendee"


class Act(StrEnum):
    """What somebody may want to do in a meeting."""

    SEND_AUDIO = "send audio"
    SEND_VIDEO = "send video"
    SHARE_SCREEN = "share a screen"
    SEE_LOBBY = "see the lobby"
    ADMIT = "admit or reject"
    CHANGE_ROLE = "change a role"
    MUTE = "mute somebody"
    REMOVE = "remove somebody"
    END = "end the meeting"
    RECORD = "record the meeting"


_ATTENDEE = frozenset({Act.SEND_AUDIO, Act.SEND_VIDEO})
_PRESENTER = frozenset(Act)

RIGHTS: dict[Role, frozenset[Act]] = {
    Role.ORGANIZER: frozenset(Act),
    Role.PRESENTER: _PRESENTER,
    Role.ATTENDEE: _ATTENDEE,
}

LEADERS = frozenset({Role.ORGANIZER, Role.PRESENTER})
"""With one of these inside, a meeting is open."""

_NEVER_TO_THE_ORGANIZER = frozenset({Act.CHANGE_ROLE, Act.REMOVE})


def may(role: Role, act: Act, target: Role | None = None) -> bool:
    """Whether somebody of that role may do it, to somebody of the target's role if it has one.

    The organizer keeps role and seat whatever a presenter wants.
    """
    if target is Role.ORGANIZER and act in _NEVER_TO_THE_ORGANIZER:
        return False
    return act in RIGHTS[role]
