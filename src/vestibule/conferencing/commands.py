"""What a participant may ask of the focus by C3P, one line a command (SFB-era names kept).

Each command is a small function of (conference, the actor's seat, the request); rights are checked by
the conference at the act itself, never here, so that a late or forged request meets the same
table (ATTACKS 40).
"""

from collections.abc import Callable, Sequence

from lxml import etree

from vestibule.conferencing import c3p
from vestibule.conferencing.c3p import C3pRequest
from vestibule.conferencing.conference import Conference, NotAllowed, Seat
from vestibule.conferencing.roles import Role

Content = Sequence[etree._Element]
Command = Callable[[Conference, Seat, C3pRequest], Content | None]
"""What it returns stands in the answer."""


def set_lobby_access(conference: Conference, actor: Seat, request: C3pRequest) -> None:
    """`setLobbyAccess`: admit or reject those who wait."""
    acts = {"granted": conference.let_in, "denied": conference.reject}
    act = acts.get(request.access)
    if act is None or not request.user_entities:
        raise NotAllowed("requestMalformed")
    for entity in request.user_entities:
        act(actor, entity)


def modify_user_roles(conference: Conference, actor: Seat, request: C3pRequest) -> None:
    """`modifyUserRoles`: make somebody presenter or attendee."""
    if request.role not in (Role.PRESENTER, Role.ATTENDEE):
        raise NotAllowed("requestMalformed")
    conference.change_role(actor, request.user_entity, Role(request.role))


def delete_user(conference: Conference, actor: Seat, request: C3pRequest) -> None:
    """`deleteUser`: remove somebody from the meeting."""
    conference.remove(actor, request.user_entity)


def modify_endpoint_media(conference: Conference, actor: Seat, request: C3pRequest) -> None:
    """`modifyEndpointMedia`: mute somebody in the room, or lift it."""
    status = request.media.get("audio")
    if status not in ("recvonly", "sendrecv"):
        raise NotAllowed("requestMalformed")
    conference.mute(actor, request.user_entity, muted=status == "recvonly")


def delete_conference(conference: Conference, actor: Seat, request: C3pRequest) -> None:
    """`deleteConference`: end the meeting for everyone."""
    conference.end(actor)


def start_recording(conference: Conference, actor: Seat, request: C3pRequest) -> None:
    """`startRecording`: record the meeting, which the others are told at once."""
    conference.start_recording(actor)


def stop_recording(conference: Conference, actor: Seat, request: C3pRequest) -> None:
    """`stopRecording`: end the recording."""
    conference.stop_recording(actor)


def get_recording(conference: Conference, actor: Seat, request: C3pRequest) -> Content:
    """`getRecording`: how far it is."""
    progress = conference.recording_progress(actor)
    return [c3p.recording_progress(progress.seconds, progress.octets)]


def set_recording_consent(conference: Conference, actor: Seat, request: C3pRequest) -> None:
    """`setRecordingConsent`: one's own device, and no other, may be in the recording or not."""
    if request.access not in ("granted", "denied"):
        raise NotAllowed("requestMalformed")
    conference.consent(actor, agreed=request.access == "granted")


COMMANDS: dict[str, Command] = {
    "setLobbyAccess": set_lobby_access,
    "modifyUserRoles": modify_user_roles,
    "deleteUser": delete_user,
    "modifyEndpointMedia": modify_endpoint_media,
    "deleteConference": delete_conference,
    "startRecording": start_recording,
    "stopRecording": stop_recording,
    "getRecording": get_recording,
    "setRecordingConsent": set_recording_consent,
}
