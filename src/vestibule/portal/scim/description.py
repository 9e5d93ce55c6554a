"""What this service can do, for clients that ask first (RFC 7643 sections 5 to 7)."""

from typing import Any

from vestibule.portal.scim.listing import LIST, MOST
from vestibule.portal.scim.user import SCHEMA

_CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
_TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"


def service_provider_config(base: str) -> dict[str, Any]:
    """Section 5."""
    no = {"supported": False}
    return {
        "schemas": [_CONFIG],
        "patch": {"supported": True},
        "bulk": {**no, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MOST},
        "changePassword": no,
        "sort": no,
        "etag": no,
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Provisioning token",
                "description": "Made by `vestibule provisioning-token add`, sent as a bearer token",
            }
        ],
        "meta": _meta("ServiceProviderConfig", f"{base}/ServiceProviderConfig"),
    }


def resource_type(base: str) -> dict[str, Any]:
    """Section 6: there is one, User."""
    return {
        "schemas": [_TYPE],
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "schema": SCHEMA,
        "meta": _meta("ResourceType", f"{base}/ResourceTypes/User"),
    }


def user_schema(base: str) -> dict[str, Any]:
    """Section 7: the attributes that we keep."""
    return {
        "schemas": [_SCHEMA],
        "id": SCHEMA,
        "name": "User",
        "attributes": [
            _attribute("userName", required=True, mutability="immutable", uniqueness="global"),
            _attribute("externalId", case_exact=True),
            _attribute("displayName"),
            _attribute("name", "complex", of=[_attribute("formatted")]),
            _attribute(
                "emails",
                "complex",
                several=True,
                of=[
                    _attribute("value"),
                ],
            ),
            _attribute("active", "boolean"),
        ],
        "meta": _meta("Schema", f"{base}/Schemas/{SCHEMA}"),
    }


def list_of(*resources: dict[str, Any]) -> dict[str, Any]:
    """All of a kind."""
    return {
        "schemas": [LIST],
        "totalResults": len(resources),
        "startIndex": 1,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def _attribute(
    name: str,
    kind: str = "string",
    *,
    required: bool = False,
    several: bool = False,
    case_exact: bool = False,
    mutability: str = "readWrite",
    uniqueness: str = "none",
    of: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": name,
        "type": kind,
        "multiValued": several,
        "required": required,
        "mutability": mutability,
        "returned": "default",
    }
    if kind == "string":
        said |= {"caseExact": case_exact, "uniqueness": uniqueness}
    return said | ({"subAttributes": of} if of else {})


def _meta(kind: str, location: str) -> dict[str, str]:
    return {"resourceType": kind, "location": location}
