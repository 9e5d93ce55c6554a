"""What the API's description says of the provider's endpoints: their forms, answers and OAuth errors.

FastAPI reads a form into a model of its own, by rules of its own (a field that comes twice, a body without a type).
OAuth has other ones, so the endpoints read their forms themselves (`form_body`) and are described here.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from vestibule.identity.provider.device_grant import DEVICE_CODE_GRANT_TYPE
from vestibule.portal.problem import documented

_FORM = "application/x-www-form-urlencoded"

Responses = dict[int | str, dict[str, Any]]


class OAuthError(BaseModel):
    """Why there is no token (RFC 6749 section 5.2)."""

    error: str = Field(description="OAuth's code, such as `invalid_grant` or `use_dpop_nonce`.")
    error_description: str | None = Field(None, description="For developers.")


class TokenForm(BaseModel):
    """A request for tokens: `code`, `redirect_uri` and `code_verifier`, or one of the others, as the grant needs."""

    grant_type: str = Field(
        json_schema_extra={"enum": ["authorization_code", "refresh_token", DEVICE_CODE_GRANT_TYPE]}
    )
    client_id: str
    code: str = Field("", description="From the authorization endpoint; good for a minute, once.")
    redirect_uri: str = Field("", description="The same as there.")
    code_verifier: str = Field("", description="RFC 7636.")
    refresh_token: str = Field("", description="Good once; the answer brings the next.")
    device_code: str = Field("", description="RFC 8628 section 3.4.")
    scope: str = Field("", description="To have less than was granted.")


class TokenAnswer(BaseModel):
    """Tokens (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3)."""

    access_token: str
    token_type: str = Field(description="`DPoP` if the request proved a key, else `Bearer`.")
    expires_in: int = Field(description="Seconds.")
    scope: str
    refresh_token: str | None = Field(None, description="With the scope `offline_access`.")
    id_token: str | None = Field(None, description="With the scope `openid`, for a code.")


class DeviceForm(BaseModel):
    """A device that wants to be signed in (RFC 8628 section 3.1)."""

    client_id: str
    scope: str = ""


class DeviceAnswer(BaseModel):
    """The code to show, and the code to ask with (RFC 8628 section 3.2)."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: int = Field(description="Seconds.")
    interval: int = Field(description="Seconds between two requests for tokens.")


class RevocationForm(BaseModel):
    """A refresh token whose sign-in is to end (RFC 7009 section 2.1)."""

    client_id: str
    token: str = Field(min_length=1)


class UserInfo(BaseModel):
    """Who the token is of (OpenID Connect Core section 5.3)."""

    sub: str
    name: str | None = Field(None, description="With the scope `profile`, as the following.")
    preferred_username: str | None = None
    aor: str | None = Field(None, description="Address of record, `sip:…`.")


class KeySet(BaseModel):
    """The keys that sign our tokens (RFC 7517)."""

    keys: list[dict[str, Any]]


class Metadata(BaseModel):
    """What clients need to know (OpenID Connect Discovery 1.0, RFC 8414); more stands in it than is said here."""

    model_config = ConfigDict(extra="allow")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


def form(model: type[BaseModel], *, proof: bool = False) -> dict[str, Any]:
    """The `openapi_extra` of an operation that reads such a form, and perhaps a proof of the client's key."""
    content = {_FORM: {"schema": model.model_json_schema()}}
    described: dict[str, Any] = {"requestBody": {"required": True, "content": content}}
    if proof:
        described["parameters"] = [
            {
                "name": "DPoP", "in": "header", "required": False, "schema": {"type": "string"},
                "description": "Proof of the client's key (RFC 9449); the web client must bring it.",
            }
        ]  # fmt: skip
    return described


def just(model: type[BaseModel] | None) -> Responses:
    """The `responses` of an operation that answers with this, or with no content that means anything."""
    return {200: {"description": "As asked."} | ({"model": model} if model else {})}


def answers(model: type[BaseModel] | None, *errors: int) -> Responses:
    """The `responses` of an operation whose errors have these statuses and OAuth's form; 413 is a problem's."""
    refused: Responses = {
        status: {"description": "Refused.", "model": OAuthError} for status in errors
    }
    return {**just(model), **refused, **documented(413)}
