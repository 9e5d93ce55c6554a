"""The recording of a meeting of mine, while it goes on (ATTACKS 43)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, Field

from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.meetings_api import MEETING_ID
from vestibule.portal.problem import Problem, documented
from vestibule.portal.recording_dependencies import LiveRecording
from vestibule.portal.token_proof import Caller, TokenProof

_NO_MEETING = "You have no such meeting."
_NOT_RECORDED = "The meeting isn't being recorded."
_REFUSALS = {
    "recordingNotAllowed": (403, "Your organisation doesn't allow meetings to be recorded."),
    "notGoingOn": (409, "Nobody is in the meeting."),
    "recordingExists": (409, "The meeting is being recorded already."),
    "recordingFailed": (503, "The file of the recording can't be written."),
}


class RecordedParticipantView(BaseModel):
    """One device in the meeting."""

    entity: str = Field(description="Whose it is, a SIP URI.")
    display_name: str
    agrees: bool = Field(description="Whether it may be in the recording.")


class MeetingRecordingView(BaseModel):
    """A recording that goes on."""

    id: str
    started_by: str = Field(description="As the others know them.")
    started_at: float = Field(description="Seconds since 1970.")
    seconds: float = Field(description="Of recorded time, until now.")
    octets: int = Field(description="Written until now.")
    participants: list[RecordedParticipantView]


def router(deps: PortalDependencies, proof: TokenProof) -> APIRouter:
    """The routes. No personal token opens them."""
    routes = APIRouter(tags=["recordings"])
    path = "/api/v1/meetings/{meeting_id}/recording"

    def mine(
        meeting_id: Annotated[str, Path(pattern=MEETING_ID)],
        caller: Annotated[Caller, Depends(proof)],
    ) -> Caller:
        if not deps.meetings.organises(caller.person, meeting_id):
            raise Problem(404, _NO_MEETING)
        return caller

    @routes.post(path, status_code=201, responses=documented(401, 403, 404, 409, 422, 503))
    async def start(
        meeting_id: Annotated[str, Path(pattern=MEETING_ID)],
        caller: Annotated[Caller, Depends(mine)],
    ) -> MeetingRecordingView:
        """Records a meeting of the caller's; everyone in it is told, and is recorded once they agree."""
        refusal = await deps.recorder.start_for(caller.person, meeting_id)
        if refusal is not None:
            raise Problem(*_REFUSALS[refusal])
        return _going_on(deps, meeting_id)

    @routes.get(path, responses=documented(401, 403, 404, 409, 422))
    async def progress(
        meeting_id: Annotated[str, Path(pattern=MEETING_ID)],
        caller: Annotated[Caller, Depends(mine)],
    ) -> MeetingRecordingView:
        """How far the recording of a meeting of the caller's is, and who has agreed to be in it."""
        return _going_on(deps, meeting_id)

    @routes.delete(path, status_code=204, responses=documented(401, 403, 404, 409, 422))
    async def stop(
        meeting_id: Annotated[str, Path(pattern=MEETING_ID)],
        caller: Annotated[Caller, Depends(mine)],
    ) -> Response:
        """Ends the recording of a meeting of the caller's; it is kept."""
        if not await deps.recorder.stop_for(caller.person, meeting_id):
            raise Problem(409, _NOT_RECORDED)
        return Response(status_code=204)

    return routes


def _going_on(deps: PortalDependencies, meeting_id: str) -> MeetingRecordingView:
    found = deps.recorder.going_on(meeting_id)
    if found is None:
        raise Problem(409, _NOT_RECORDED)
    return _view(found)


def _view(found: LiveRecording) -> MeetingRecordingView:
    record, progress = found.record, found.progress
    return MeetingRecordingView(
        id=record.id,
        started_by=record.starter_name,
        started_at=record.started_at,
        seconds=progress.seconds,
        octets=progress.octets,
        participants=[
            RecordedParticipantView.model_validate(one, from_attributes=True)
            for one in found.participants
        ],
    )
