"""How the media of a meeting of mine fares, live."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from vestibule.portal.dependencies import MediaFlow, ParticipantQuality, PortalDependencies
from vestibule.portal.meetings_api import MEETING_ID
from vestibule.portal.problem import Problem, documented
from vestibule.portal.token_proof import Caller, TokenProof


class FlowView(BaseModel):
    """One source's media in one direction."""

    source: Literal["audio", "camera", "screen"]
    packets: int = Field(description="Since the device joined, retransmissions too.")
    octets: int = Field(description="Of payload in them.")
    bitrate: int = Field(description="Bits of payload a second, over the last two seconds.")
    loss: float | None = Field(
        description="Share of packets lost lately, 0 to 1, as the receiver sees it; null if not reported."
    )
    jitter: float | None = Field(description="Seconds (RFC 3550), as the receiver sees it.")


class QualityView(BaseModel):
    """One device in the meeting."""

    entity: str = Field(description="Whose it is, a SIP URI.")
    display_name: str
    kind: Literal["browser", "phone"]
    connected: bool = Field(description="Whether media has ever flowed.")
    audio_codec: str
    round_trip: float | None = Field(
        description="Seconds to the device and back; null if not reported."
    )
    mos_received: float | None = Field(
        description="How its speech sounds here: mean opinion score, 1.0 to 4.5, estimated by the E-model."
    )
    mos_sent: float | None = Field(
        description="How speech sounds there, by what the device reports."
    )
    received: list[FlowView] = Field(description="From the device to the server.")
    sent: list[FlowView] = Field(description="From the server to the device.")


def router(deps: PortalDependencies, proof: TokenProof) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["meetings"])

    @routes.get("/api/v1/meetings/{meeting_id}/quality", responses=documented(401, 403, 404, 422))
    async def quality(
        meeting_id: Annotated[str, Path(pattern=MEETING_ID)],
        caller: Annotated[Caller, Depends(proof.scoped("meetings:read"))],
    ) -> list[QualityView]:
        """The media of everyone in a meeting of the caller's; empty while nobody is in it."""
        if not deps.meetings.organises(caller.person, meeting_id):
            raise Problem(404, "You have no such meeting.")
        return [_view(participant) for participant in deps.meeting_quality(meeting_id)]

    return routes


def _view(participant: ParticipantQuality) -> QualityView:
    media = participant.media
    return QualityView(
        entity=participant.entity,
        display_name=participant.display_name,
        kind="phone" if media.is_phone else "browser",
        connected=media.is_connected,
        audio_codec=media.audio_codec,
        round_trip=media.round_trip,
        mos_received=media.mos_received,
        mos_sent=media.mos_sent,
        received=[_flow(flow) for flow in media.received],
        sent=[_flow(flow) for flow in media.sent],
    )


def _flow(flow: MediaFlow) -> FlowView:
    return FlowView.model_validate(flow, from_attributes=True)
