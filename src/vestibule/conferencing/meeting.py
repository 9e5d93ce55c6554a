"""A meeting as it is kept: what outlasts everyone's leaving."""

from dataclasses import dataclass

from vestibule.conferencing.admission import MeetingPolicy
from vestibule.conferencing.identifiers import MeetingAddress


@dataclass(frozen=True, slots=True)
class Meeting:
    """One meeting of a tenant. `created_at` in seconds since 1970."""

    id: str
    tenant: str
    organizer: str
    """Address of record of the organizer, such as `sip:alice@example.org`."""
    organizer_name: str
    address: MeetingAddress
    subject: str
    conference_key: str
    policy: MeetingPolicy
    lobby_seconds: float
    created_at: float
