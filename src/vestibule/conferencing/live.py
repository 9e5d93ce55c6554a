"""The conferences that are going on: one for each meeting that somebody is in, or waits for."""

from vestibule.conferencing.conference import Conference, Observer, Schedule
from vestibule.conferencing.meeting import Meeting


class LiveConferences:
    """Conferences by meeting id; one begins with its first knock and ends with its last departure."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._conferences: dict[str, Conference] = {}

    def of(self, meeting: Meeting, observer: Observer) -> Conference:
        """The meeting's conference, begun if need be."""
        conference = self._conferences.get(meeting.id)
        if conference is None:
            conference = Conference(meeting, observer, self._schedule)
            self._conferences[meeting.id] = conference
        return conference

    def find(self, meeting_id: str) -> Conference | None:
        """The conference of a meeting, if it is going on."""
        return self._conferences.get(meeting_id)

    def forget_if_empty(self, conference: Conference) -> bool:
        """Drop a conference that nobody is in any more; whether it was dropped."""
        if not conference.is_empty:
            return False
        self._conferences.pop(conference.meeting.id, None)
        return True
