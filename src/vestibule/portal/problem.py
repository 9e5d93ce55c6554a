"""Errors of the HTTP API as problem documents (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Response
from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class ProblemDocument(BaseModel):
    """What went wrong."""

    type: str = Field("about:blank", description="Kind of problem; `about:blank` is the status.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str | None = Field(None, description="What to do about it.")


_SCHEMA = ProblemDocument.model_json_schema()


class Problem(Exception):
    """Ends a request with a problem document."""

    def __init__(
        self, status: int, detail: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail or status)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The problem as an HTTP response."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": title_of(self.status),
            "status": self.status,
        }
        if self.detail:
            document["detail"] = self.detail
        return Response(json.dumps(document), self.status, self.headers, MEDIA_TYPE)


def title_of(status: int) -> str:
    """The status in words."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an OpenAPI operation that may end with these problems."""
    return {
        status: {"description": title_of(status), "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
        for status in statuses
    }
