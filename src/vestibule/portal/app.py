"""The ASGI application: which routes there are and what stands before them."""

from fastapi import FastAPI
from starlette.middleware import Middleware

from vestibule.portal import (
    associations_api,
    authority_files,
    device_enrolment_api,
    device_enrolment_page,
    health,
    join_api,
    meeting_quality_api,
    meeting_recording_api,
    meetings_api,
    oidc_endpoints,
    recordings_api,
    session_api,
)
from vestibule.portal.body_limit import BodyLimit
from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.device_pages import DevicePages
from vestibule.portal.errors import Errors, LastResort
from vestibule.portal.external_sign_in_pages import ExternalSignInPages
from vestibule.portal.hosts import Hosts
from vestibule.portal.pages import Pages
from vestibule.portal.scim.api import Scim
from vestibule.portal.second_step_pages import SecondStepPages
from vestibule.portal.security_headers import SecurityHeaders
from vestibule.portal.security_pages import SecurityPages
from vestibule.portal.sign_in_flow import SignInFlow
from vestibule.portal.sign_in_pages import SignInPages
from vestibule.portal.sign_out_pages import SignOutPages
from vestibule.portal.token_pages import TokenPages
from vestibule.portal.token_proof import TokenProof
from vestibule.portal.web_client import WebClient


def create_app(deps: PortalDependencies) -> FastAPI:
    """The portal of one deployment."""
    app = FastAPI(
        title="Vestibule",
        version="1",  # of this API; the software's own is nobody's business
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(LastResort),
            Middleware(Hosts, origin=deps.origin, others=deps.other_hosts),
            Middleware(BodyLimit),
        ],
    )
    pages = Pages()
    proof = TokenProof(deps)
    Errors(pages).add_to(app)
    app.include_router(session_api.router(deps, proof))
    app.include_router(associations_api.router(deps, proof))
    app.include_router(meetings_api.router(deps, proof))
    app.include_router(meeting_quality_api.router(deps, proof))
    app.include_router(meeting_recording_api.router(deps, proof))
    app.include_router(recordings_api.router(deps, proof))
    app.include_router(device_enrolment_api.router(deps))
    app.include_router(join_api.router(deps))
    app.include_router(authority_files.router(deps))
    app.include_router(health.router())
    app.include_router(oidc_endpoints.router(deps, proof))
    flow = SignInFlow(deps, pages)
    app.include_router(SignInPages(deps, pages, flow).router())
    app.include_router(ExternalSignInPages(deps, pages, flow).router())
    app.include_router(SecondStepPages(deps, flow).router())
    app.include_router(SignOutPages(deps, pages, flow).router())
    app.include_router(DevicePages(deps, pages, flow).router())
    app.include_router(TokenPages(deps, pages, flow).router())
    app.include_router(SecurityPages(deps, pages, flow).router())
    app.include_router(device_enrolment_page.router(pages))
    app.include_router(Scim(deps).router())
    app.include_router(pages.router())
    WebClient(deps, pages).add_to(app)
    return app
