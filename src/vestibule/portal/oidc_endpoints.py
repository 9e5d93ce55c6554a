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
from vestibule.portal.oidc_description import (
    DeviceAnswer,
    DeviceForm,
    KeySet,
    Metadata,
    RevocationForm,
    TokenAnswer,
    TokenForm,
    UserInfo,
    answers,
    form,
    just,
)
from vestibule.portal.problem import Problem, documented
from vestibule.portal.token_proof import Caller, TokenProof

_CACHED = {"Cache-Control": "public, max-age=300"}
_USERINFO = just(UserInfo) | documented(401, 403, 413)


def router(deps: PortalDependencies, proof: TokenProof) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["OpenID Connect"], default_response_class=JSONResponse)
    provider = deps.provider

    @routes.get("/identity/.well-known/openid-configuration", responses=just(Metadata))
    @routes.get("/.well-known/openid-configuration/identity", include_in_schema=False)
    @routes.get("/.well-known/oauth-authorization-server/identity", include_in_schema=False)
    async def metadata() -> Response:
        """What the provider is and does."""
        return JSONResponse(provider.metadata(), headers=_CACHED)

    @routes.get("/identity/jwks", responses=just(KeySet))
    async def jwks() -> Response:
        """The keys that sign our tokens."""
        return JSONResponse(provider.jwks(), headers=_CACHED)

    @routes.post(
        "/identity/token",
        openapi_extra=form(TokenForm, proof=True),
        responses=answers(TokenAnswer, 400),
    )
    async def token(request: Request) -> Response:
        """Tokens for a code, a refresh token, or a device that was let in."""

        async def answer(fields: Parameters) -> Answer:
            proofs = request.headers.getlist("dpop")
            return await provider.token(fields, connection_of(request), proofs)

        return await _answered(answer, request)

    @routes.post(
        "/identity/device-authorization",
        openapi_extra=form(DeviceForm),
        responses=answers(DeviceAnswer, 400, 429),
    )
    async def device_authorization(request: Request) -> Response:
        """A device begins to sign in."""

        async def answer(fields: Parameters) -> Answer:
            return await provider.device_authorization(fields, connection_of(request))

        return await _answered(answer, request)

    @routes.post(
        "/identity/revoke", openapi_extra=form(RevocationForm), responses=answers(None, 400)
    )
    async def revoke(request: Request) -> Response:
        """Ends the sign-in that a refresh token came from; one that isn't known is no error."""
        return await _answered(provider.revoke, request)

    @routes.get("/identity/userinfo", responses=_USERINFO)
    @routes.post("/identity/userinfo", responses=_USERINFO)
    async def userinfo(caller: Annotated[Caller, Depends(proof)]) -> Response:
        """Whose token it is."""
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
