"""The provider's endpoints that programs call; the ones for people are in `sign_in_pages`."""

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import JSONResponse

from vestibule.identity.provider.messages import Answer, Parameters
from vestibule.portal.connection import connection_of
from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.form_body import form_fields
from vestibule.portal.problem import Problem
from vestibule.portal.token_proof import Caller, TokenProof

_CACHED = {"Cache-Control": "public, max-age=300"}


def router(deps: PortalDependencies, proof: TokenProof) -> APIRouter:
    """The routes."""
    routes = APIRouter(include_in_schema=False)
    provider = deps.provider

    @routes.get("/identity/.well-known/openid-configuration")
    @routes.get("/.well-known/openid-configuration/identity")
    @routes.get("/.well-known/oauth-authorization-server/identity")
    async def metadata() -> Response:
        return JSONResponse(provider.metadata(), headers=_CACHED)

    @routes.get("/identity/jwks")
    async def jwks() -> Response:
        return JSONResponse(provider.jwks(), headers=_CACHED)

    @routes.post("/identity/token")
    async def token(request: Request) -> Response:
        async def answer(fields: Parameters) -> Answer:
            proofs = request.headers.getlist("dpop")
            return await provider.token(fields, connection_of(request), proofs)

        return await _answered(answer, request)

    @routes.post("/identity/device-authorization")
    async def device_authorization(request: Request) -> Response:
        async def answer(fields: Parameters) -> Answer:
            return await provider.device_authorization(fields, connection_of(request))

        return await _answered(answer, request)

    @routes.post("/identity/revoke")
    async def revoke(request: Request) -> Response:
        return await _answered(provider.revoke, request)

    @routes.api_route("/identity/userinfo", methods=["GET", "POST"])
    async def userinfo(caller: Annotated[Caller, Depends(proof)]) -> Response:
        claims: dict[str, Any] | None = provider.userinfo(caller.claims)
        if claims is None:
            challenge = 'Bearer error="insufficient_scope", scope="openid"'
            raise Problem(403, "The token isn't for openid.", {"WWW-Authenticate": challenge})
        return JSONResponse(claims)

    return routes


async def _answered(
    endpoint: Callable[[Parameters], Awaitable[Answer]], request: Request
) -> Response:
    """An OAuth endpoint's answer, errors in OAuth's own form (RFC 6749 section 5.2)."""
    try:
        fields = await form_fields(request)
    except Problem as problem:
        error = {"error": "invalid_request", "error_description": problem.detail}
        return JSONResponse(error, 400)
    answer = await endpoint(fields)
    body = b"" if answer.body is None else json.dumps(answer.body).encode()
    return Response(body, answer.status, dict(answer.headers), "application/json")
