"""The invitation link: the key stands in the fragment, which no browser sends (docs/adr/0004)."""

from vestibule.conferencing.meeting import Meeting


def invitation_link(web_origin: str, meeting: Meeting) -> str:
    """Where a guest opens the meeting."""
    return f"{web_origin}/meet/{meeting.address.user}/{meeting.id}#{meeting.conference_key}"
