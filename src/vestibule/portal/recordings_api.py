"""The recordings of my meetings: list, download, delete. They are the organizer's alone (ATTACKS 43)."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.problem import Problem, documented
from vestibule.portal.recording_dependencies import KeptRecording
from vestibule.portal.token_proof import Caller, TokenProof

_RECORDING_ID = r"^[A-Za-z0-9_-]{22}$"
_MEDIA_TYPE = "video/webm"
_NONE = "You have no such recording, or it still goes on."
_FILE = {
    200: {
        "description": "The file.",
        "content": {_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    },
    **documented(401, 403, 404, 422),
}


class RecordingView(BaseModel):
    """A recording, for the organizer of its meeting only."""

    id: str
    meeting: str = Field(description="The meeting's id.")
    subject: str = Field(description="The meeting's, when it was recorded.")
    started_by: str = Field(description="As the others knew them.")
    started_at: float = Field(description="Seconds since 1970.")
    state: Literal["recording", "finished", "failed", "interrupted"] = Field(
        description="`failed`: it ended by itself, see `problem`; `interrupted`: the server ended before it."
    )
    seconds: float | None = Field(description="Of recorded time, if known.")
    octets: int | None = Field(description="Of the file; null while it is written.")
    problem: str | None = Field(description="Why it failed.")
    deleted_after: float = Field(description="When it is deleted by itself, in seconds since 1970.")


def router(deps: PortalDependencies, proof: TokenProof) -> APIRouter:
    """The routes. No personal token opens them."""
    routes = APIRouter(tags=["recordings"])

    @routes.get("/api/v1/recordings", responses=documented(401, 403))
    async def mine(caller: Annotated[Caller, Depends(proof)]) -> list[RecordingView]:
        """The recordings of meetings that the caller organises, newest first."""
        return [_view(kept) for kept in await deps.recordings.list_of(caller.person)]

    @routes.get("/api/v1/recordings/{recording_id}", response_class=FileResponse, responses=_FILE)
    async def download(
        request: Request,
        recording_id: Annotated[str, Path(pattern=_RECORDING_ID)],
        caller: Annotated[Caller, Depends(proof)],
    ) -> FileResponse:
        """The file of a recording of the caller's, once it is finished."""
        found = await deps.recordings.download(caller.person, recording_id, _address(request))
        if found is None:
            raise Problem(404, _NONE)
        record, path = found
        # The name is ours: a subject could hold anything that a file's name must not.
        started = datetime.fromtimestamp(record.started_at, UTC).strftime("%Y-%m-%d-%H%M")
        return FileResponse(path, media_type=_MEDIA_TYPE, filename=f"recording-{started}.webm")

    @routes.delete(
        "/api/v1/recordings/{recording_id}",
        status_code=204,
        responses=documented(401, 403, 404, 422),
    )
    async def delete(
        request: Request,
        recording_id: Annotated[str, Path(pattern=_RECORDING_ID)],
        caller: Annotated[Caller, Depends(proof)],
    ) -> Response:
        """Deletes a finished recording of the caller's for good."""
        if not await deps.recordings.delete(caller.person, recording_id, _address(request)):
            raise Problem(404, _NONE)
        return Response(status_code=204)

    return routes


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None


def _view(kept: KeptRecording) -> RecordingView:
    record = kept.record
    return RecordingView.model_validate(
        {
            "id": record.id,
            "meeting": record.meeting,
            "subject": record.subject,
            "started_by": record.starter_name,
            "started_at": record.started_at,
            "state": record.state,
            "seconds": record.seconds,
            "octets": record.octets,
            "problem": record.problem,
            "deleted_after": kept.deleted_after,
        }
    )
