"""What our certificate authority publishes: its certificate and its CRLs (K4, K5)."""

from collections.abc import Callable

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from vestibule.portal.dependencies import PortalDependencies

_CRL = "application/pkix-crl"  # RFC 5280 section 4.2.1.13
_HEADERS = {"Cache-Control": "public, max-age=300", "Cross-Origin-Resource-Policy": "cross-origin"}


def router(deps: PortalDependencies) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["pki"])

    async def published(read: Callable[[], bytes], media_type: str) -> Response:
        return Response(await run_in_threadpool(read), 200, _HEADERS, media_type)

    @routes.get("/pki/authority.pem", response_class=Response, responses=_file("PEM"))
    async def authority() -> Response:
        """The authority's root certificate."""
        return await published(deps.authority.authority_pem, "application/x-pem-file")

    @routes.get("/pki/root.crl", response_class=Response, responses=_file("DER"))
    async def root() -> Response:
        """What the root has revoked."""
        return await published(lambda: deps.authority.crls_der()[0], _CRL)

    @routes.get("/pki/issuing.crl", response_class=Response, responses=_file("DER"))
    async def issuing() -> Response:
        """What the issuing authority has revoked."""
        return await published(lambda: deps.authority.crls_der()[1], _CRL)

    return routes


def _file(form: str) -> dict[int | str, dict[str, object]]:
    content: dict[str, object] = {"application/x-pem-file": {}} if form == "PEM" else {_CRL: {}}
    return {200: {"description": f"The file, {form}.", "content": content}}
