"""Whether the process answers: for load balancers and `make demo`."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel


class Health(BaseModel):
    """Alive."""

    status: Literal["ok"] = "ok"


def router() -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz")
    async def healthz() -> Health:
        """Says so while requests are served; nothing about version or load."""
        return Health()

    return routes
