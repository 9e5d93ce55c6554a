"""My meetings: list, create, give a new link, end (C1, C2)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from vestibule.portal.dependencies import Meeting, PortalDependencies
from vestibule.portal.problem import Problem, documented
from vestibule.portal.strict_json import StrictJsonRoute
from vestibule.portal.token_proof import Caller, TokenProof

MEETING_ID = r"^[A-Za-z0-9_-]{22}$"


class NewMeeting(BaseModel):
    """What to create."""

    model_config = ConfigDict(extra="forbid")

    subject: str = Field(max_length=200, description="What it is about; empty for a default.")


class MeetingView(BaseModel):
    """A meeting, for its organizer only: link and key open the lobby's door."""

    id: str
    subject: str
    link: str = Field(description="Invitation; the key is in the fragment, which no server sees.")
    focus: str = Field(description="SIP URI of the meeting.")
    conference_key: str
    created_at: float = Field(description="Seconds since 1970.")
    dial: str = Field(description="What a SIP phone dials.")


def router(deps: PortalDependencies, proof: TokenProof) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["meetings"], route_class=proof.first(StrictJsonRoute))
    may_read, may_write = proof.scoped("meetings:read"), proof.scoped("meetings:write")

    @routes.get("/api/v1/meetings", responses=documented(401, 403))
    async def mine(caller: Annotated[Caller, Depends(may_read)]) -> list[MeetingView]:
        """The meetings that the caller organises, newest first."""
        return [_view(deps, meeting) for meeting in deps.meetings.list_of(caller.person)]

    @routes.post(
        "/api/v1/meetings",
        status_code=201,
        responses=documented(400, 401, 403, 409, 413, 415, 422),
    )
    async def create(
        wanted: NewMeeting, caller: Annotated[Caller, Depends(may_write)]
    ) -> MeetingView:
        """A new meeting of the caller, who needs a licence."""
        if not caller.person.licensed:
            raise Problem(403, "Your account may not create meetings.")
        try:
            meeting = await deps.meetings.create(caller.person, wanted.subject)
        except deps.meeting_refusals as refused:
            raise Problem(409, "You have as many meetings as anybody may.") from refused
        return _view(deps, meeting)

    @routes.post(
        "/api/v1/meetings/{meeting_id}/conference-key", responses=documented(401, 404, 422)
    )
    async def replace_key(
        meeting_id: Annotated[str, Path(pattern=MEETING_ID)],
        caller: Annotated[Caller, Depends(proof)],
    ) -> MeetingView:
        """A new link for a meeting of the caller's: the old one opens nothing, who is inside stays."""
        meeting = await deps.meetings.replace_key(caller.person, meeting_id)
        if meeting is None:
            raise Problem(404, "You have no such meeting.")
        return _view(deps, meeting)

    @routes.delete(
        "/api/v1/meetings/{meeting_id}", status_code=204, responses=documented(401, 403, 404, 422)
    )
    async def end(
        meeting_id: Annotated[str, Path(pattern=MEETING_ID)],
        caller: Annotated[Caller, Depends(may_write)],
    ) -> Response:
        """Ends a meeting of the caller's for everyone and forgets it."""
        if not await deps.meetings.end(caller.person, meeting_id):
            raise Problem(404, "You have no such meeting.")
        return Response(status_code=204)

    return routes


def _view(deps: PortalDependencies, meeting: Meeting) -> MeetingView:
    user, focus = meeting.address.user, meeting.address.focus
    return MeetingView(
        id=meeting.id,
        subject=meeting.subject,
        link=f"{deps.origin}/meet/{user}/{meeting.id}#{meeting.conference_key}",
        focus=focus,
        conference_key=meeting.conference_key,
        created_at=meeting.created_at,
        dial=focus,
    )
