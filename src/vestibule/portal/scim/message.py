"""How SCIM says things: answers, errors (RFC 7644 section 3.12), and bodies with one reading."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from fastapi import Request, Response

from vestibule.outbound.strict_json import parse

MEDIA_TYPE = "application/scim+json"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_TAKEN = frozenset({MEDIA_TYPE, "application/json"})


class Kind(StrEnum):
    """`scimType`: what exactly was wrong with a request."""

    FILTER = "invalidFilter"
    SYNTAX = "invalidSyntax"
    VALUE = "invalidValue"
    PATH = "invalidPath"
    MUTABILITY = "mutability"
    UNIQUENESS = "uniqueness"
    NO_TARGET = "noTarget"


class ScimError(Exception):
    """Answered as section 3.12 has it; `detail` quotes nothing of the request."""

    def __init__(
        self,
        status: int,
        detail: str,
        kind: Kind | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The error as an HTTP response."""
        document = {"schemas": [ERROR], "status": str(self.status), "detail": self.detail}
        if self.kind is not None:
            document["scimType"] = self.kind.value
        return answer(document, self.status, self.headers)


def answer(
    document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A SCIM document as an HTTP response."""
    return Response(json.dumps(document), status, dict(headers or {}), MEDIA_TYPE)


async def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises ScimError."""
    stated = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if stated not in _TAKEN:
        raise ScimError(415, f"Send {MEDIA_TYPE}.")
    try:
        document = parse((await request.body()).decode())
    except ValueError as error:
        raise ScimError(400, "The body is not acceptable JSON.", Kind.SYNTAX) from error
    if not isinstance(document, dict):
        raise ScimError(400, "The body is not a JSON object.", Kind.SYNTAX)
    return document
