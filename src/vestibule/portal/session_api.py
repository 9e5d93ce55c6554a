"""Who am I, and where is the SIP server: what the web client asks first."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.problem import documented
from vestibule.portal.token_proof import Caller, TokenProof


class PersonView(BaseModel):
    """A person."""

    aor: str = Field(description="Address of record, `sip:…`.")
    display_name: str


class SessionView(BaseModel):
    """The caller and the deployment."""

    person: PersonView
    domain: str = Field(description="SIP domain, the realm of digests.")
    sip_websocket: str = Field(description="Where to speak SIP over WebSocket (RFC 7118).")
    licensed: bool = Field(description="Whether the person may create meetings.")
    recording: bool = Field(description="Whether the organisation allows meetings to be recorded.")


def router(deps: PortalDependencies, proof: TokenProof) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["session"])

    @routes.get("/api/v1/session", responses=documented(401, 403))
    async def session(
        caller: Annotated[Caller, Depends(proof.scoped("session:read"))],
    ) -> SessionView:
        """The signed-in person and where its client connects."""
        person = caller.person
        tenant = deps.people.tenant(person.tenant)
        return SessionView(
            person=PersonView(aor=person.aor, display_name=person.display_name),
            domain=person.domain,
            sip_websocket=deps.sip_websocket,
            licensed=person.licensed,
            recording=tenant is not None and tenant.policy.recording,
        )

    return routes
