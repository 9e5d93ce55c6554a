"""The second half of signing in: a security association for a client's device (I8)."""

import binascii
from base64 import b64decode, urlsafe_b64encode
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from vestibule.identity.associations import GrantEnded
from vestibule.identity.key_agreement import ALGORITHM, BadPublicKey
from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.problem import Problem, documented
from vestibule.portal.strict_json import StrictJsonRoute
from vestibule.portal.token_proof import Caller, TokenProof

_POINT = r"^[A-Za-z0-9_-]{87}$"


class NewAssociation(BaseModel):
    """The client's half of the key agreement."""

    model_config = ConfigDict(extra="forbid")

    public_key: str = Field(
        pattern=_POINT, description="P-256 point, uncompressed, in base64url; made for this once."
    )


class AssociationView(BaseModel):
    """The server's half; see docs/protocol/association.md for what follows from it."""

    id: str
    public_key: str = Field(description="P-256 point, uncompressed, in base64url.")
    algorithm: str
    expires_in: int = Field(description="Seconds.")


def router(deps: PortalDependencies, proof: TokenProof) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["session"], route_class=proof.first(StrictJsonRoute))

    @routes.post(
        "/identity/associations",
        status_code=201,
        responses=documented(400, 401, 403, 413, 415, 422),
    )
    async def create(
        wanted: NewAssociation, caller: Annotated[Caller, Depends(proof)]
    ) -> AssociationView:
        """A new association of the caller; it ends with the sign-in that the access token came from."""
        try:
            opened = deps.associations.open(caller.claims, _octets(wanted.public_key))
        except BadPublicKey as bad:
            raise Problem(422, "public_key is not a point of P-256.") from bad
        except GrantEnded as ended:
            raise proof.token_refused() from ended
        return AssociationView(
            id=opened.id,
            public_key=urlsafe_b64encode(opened.public_key).rstrip(b"=").decode("ascii"),
            algorithm=ALGORITHM,
            expires_in=opened.seconds,
        )

    return routes


def _octets(text: str) -> bytes:
    try:
        return b64decode(f"{text}=", altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise BadPublicKey("not base64url") from error
