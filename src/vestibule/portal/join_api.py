"""Where to knock. Public, made from the link alone: it can't tell whether a meeting exists."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.meetings_api import MEETING_ID
from vestibule.portal.problem import documented

ORGANIZER = r"^[A-Za-z0-9._~+!-]{1,64}$"


class JoinView(BaseModel):
    """What a guest's client needs before it proves that it holds the key."""

    domain: str = Field(description="SIP domain, the realm of the guest's digest.")
    sip_websocket: str = Field(description="Where to speak SIP over WebSocket (RFC 7118).")
    focus: str = Field(description="SIP URI to call.")


def router(deps: PortalDependencies) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["join"])

    @routes.get("/api/v1/join/{organizer}/{meeting_id}", responses=documented(422))
    async def join(
        organizer: Annotated[str, Path(pattern=ORGANIZER)],
        meeting_id: Annotated[str, Path(pattern=MEETING_ID)],
    ) -> JoinView:
        """Where a guest with this link connects."""
        return JoinView(
            domain=deps.domain,
            sip_websocket=deps.sip_websocket,
            focus=deps.focus_uri(organizer.lower(), meeting_id),
        )

    return routes
