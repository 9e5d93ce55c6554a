"""How everybody's media in a meeting fares, with the names that its leaders know them by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from vestibule.conferencing.live import LiveConferences
from vestibule.conferencing.room import EndpointQuality

Q = TypeVar("Q", bound=EndpointQuality)


@dataclass(frozen=True, slots=True)
class ParticipantQuality(Generic[Q]):
    """One device in the meeting."""

    entity: str
    display_name: str
    media: Q


class MeetingQuality(Generic[Q]):
    """Looks when asked and keeps nothing. `qualities` tells how media in a meeting's room fares, by endpoint."""

    def __init__(self, live: LiveConferences, qualities: Callable[[str], Sequence[Q]]) -> None:
        self._live = live
        self._qualities = qualities

    def of(self, meeting_id: str) -> Sequence[ParticipantQuality[Q]]:
        """Everyone whose media is in the room now; empty if the meeting isn't going on."""
        conference = self._live.find(meeting_id)
        if conference is None:
            return []
        seated = ((conference.seat_of_endpoint(q.endpoint), q) for q in self._qualities(meeting_id))
        return [ParticipantQuality(s.entity, s.display_name, q) for s, q in seated if s]
