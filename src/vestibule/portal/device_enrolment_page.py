"""Where the link for a device leads: the page that makes its key; it says nothing about the link."""

from fastapi import APIRouter, Response

from vestibule.identity.device_links import ENROLMENT_PAGE
from vestibule.portal.pages import Pages


def router(pages: Pages) -> APIRouter:
    """The route. The code is behind #, so it isn't here: opening the page uses nothing up."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(ENROLMENT_PAGE)
    async def page() -> Response:
        return pages.render("device.html", enrols=True)

    return routes
