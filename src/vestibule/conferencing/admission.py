"""The one admission function: every join is decided here and nowhere else (DESIGN 4.5).

Pure tables over (who knocks, the meeting's access and presenting policy, is a leader in). Two rules
stand above the tables: the meeting opens only when a leader is in, and a conference key never
gives a role above attendee at the door.
"""

from dataclasses import dataclass
from enum import StrEnum

from vestibule.conferencing.roles import LEADERS, Role
from vestibule.directory.model import Access, Presenting


class Who(StrEnum):
    """The kinds of people who knock (REQUIREMENTS C9), nearest first."""

    ORGANIZER = "organizer"
    INVITED = "invited"
    MEMBER = "member"
    FEDERATED = "federated"
    ANONYMOUS = "anonymous"
    TELEPHONE = "telephone"


class Door(StrEnum):
    """What the door says."""

    IN = "in"
    LOBBY = "lobby"


SKIPS_LOBBY: dict[Access, frozenset[Who]] = {
    Access.ORGANIZER: frozenset({Who.ORGANIZER}),
    Access.INVITED: frozenset({Who.ORGANIZER, Who.INVITED}),
    Access.ORGANISATION: frozenset({Who.ORGANIZER, Who.INVITED, Who.MEMBER}),
    Access.ANYONE: frozenset(
        {Who.ORGANIZER, Who.INVITED, Who.MEMBER, Who.FEDERATED, Who.ANONYMOUS}
    ),
}
"""Who skips the lobby of an open meeting (C13). Telephones have a switch of their own (C15)."""

PRESENTS: dict[Presenting, frozenset[Who]] = {
    Presenting.ORGANIZER: frozenset(),
    Presenting.ORGANISATION: frozenset({Who.INVITED, Who.MEMBER}),
    Presenting.EVERYONE: frozenset({Who.INVITED, Who.MEMBER, Who.FEDERATED}),
    Presenting.CHOSEN: frozenset(),
}
"""Who presents from the start beside the organizer (C16); the chosen are added by name."""


@dataclass(frozen=True, slots=True)
class MeetingPolicy:
    """What the organizer, or the tenant for them, has settled about a meeting."""

    access: Access
    presenting: Presenting
    phones_bypass_lobby: bool
    recording: bool = False
    """Whether leaders may record it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Which way the door opens, and the role that goes with it once inside."""

    door: Door
    role: Role


def admit(who: Who, policy: MeetingPolicy, *, leader_is_in: bool, chosen: bool = False) -> Decision:
    """Decide one knock. `chosen`: the organizer named this person as a presenter."""
    role = role_of(who, policy.presenting, chosen=chosen)
    if who is Who.ORGANIZER:
        return Decision(Door.IN, role)
    open_for_them = leader_is_in or role in LEADERS
    if open_for_them and _skips_lobby(who, policy):
        return Decision(Door.IN, role)
    return Decision(Door.LOBBY, role)


def role_of(who: Who, presenting: Presenting, *, chosen: bool = False) -> Role:
    """The role that somebody gets at the door."""
    if who is Who.ORGANIZER:
        return Role.ORGANIZER
    if who in {Who.ANONYMOUS, Who.TELEPHONE}:
        return Role.ATTENDEE
    if who in PRESENTS[presenting] or (chosen and presenting is Presenting.CHOSEN):
        return Role.PRESENTER
    return Role.ATTENDEE


def _skips_lobby(who: Who, policy: MeetingPolicy) -> bool:
    if who is Who.TELEPHONE:
        return policy.phones_bypass_lobby and policy.access is not Access.ORGANIZER
    return who in SKIPS_LOBBY[policy.access]
