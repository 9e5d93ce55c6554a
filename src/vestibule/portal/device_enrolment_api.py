"""A device turns its link into a certificate (I4); the link itself opens `device_enrolment_page.py`."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from vestibule.identity.device_links import LinkRefused
from vestibule.identity.sign_in_limits import TooManyTries
from vestibule.pki.device_request import LONGEST, UnfitRequest, key_of_request
from vestibule.portal.connection import connection_of
from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.problem import Problem, documented
from vestibule.portal.strict_json import StrictJsonRoute

PATH = "/api/v1/device-enrolments"


class NewEnrolment(BaseModel):
    """The link's code, and a certificate request."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(
        pattern=r"^[A-Za-z0-9_-]{32}$", description="What stands after # in the link."
    )
    request: str = Field(
        max_length=LONGEST,
        description="PKCS #10 in PEM. Its key is certified (P-256, P-384 or RSA of at least 2048 bits); "
        "names and extensions in it are passed over.",
    )


class EnrolmentView(BaseModel):
    """The device's certificate."""

    certificate: str = Field(description="PEM: the certificate, then its authority's.")
    serial: str


def router(deps: PortalDependencies) -> APIRouter:
    """The route. The code is the caller's only proof."""
    routes = APIRouter(tags=["devices"], route_class=StrictJsonRoute)

    @routes.post(PATH, status_code=201, responses=documented(400, 403, 413, 415, 422, 429))
    async def enrol(wanted: NewEnrolment, request: Request) -> EnrolmentView:
        """A certificate for the device that the link was made for; the link is used up then."""
        address = connection_of(request).address
        try:
            key = key_of_request(wanted.request.encode())
            credential = await deps.device_links.redeem(wanted.code, key, address)
        except UnfitRequest as unfit:
            raise Problem(422, f"The certificate request is not acceptable: {unfit}.") from unfit
        except TooManyTries as much:
            raise Problem(429, None, {"Retry-After": str(much.retry_after)}) from much
        except LinkRefused as refused:
            raise Problem(403, "This link is used up or over. Ask for another.") from refused
        return EnrolmentView(certificate=credential.pem.decode(), serial=credential.serial)

    return routes
