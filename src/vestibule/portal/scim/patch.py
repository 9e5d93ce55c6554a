"""PATCH (RFC 7644 section 3.5.2): operations, all of them or none."""

import re
from dataclasses import replace
from typing import Any

from vestibule.portal.scim.message import Kind, ScimError
from vestibule.portal.scim.user import SCHEMA, Said, fit_email, folded, with_attribute

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_MOST_OPERATIONS = 50
_KEPT = frozenset({"username", "externalid", "active", "emails", "displayname", "name.formatted"})
_NOT_KEPT = frozenset(
    {
        "name", "nickname", "profileurl", "title", "usertype", "preferredlanguage", "locale",
        "timezone", "password", "phonenumbers", "ims", "photos", "addresses", "groups",
        "entitlements", "roles", "x509certificates", "urn",
    }
)  # fmt: skip
"""Attributes of the User schema, and extensions, that we don't keep: accepted and forgotten."""
_EMAIL_VALUE = re.compile(r'emails(\[(type eq "[a-z]{1,20}"|primary eq "?true"?)\])?\.value')
_ROOT = re.compile(r"[a-z0-9]{1,40}")


def said_by(document: dict[str, Any]) -> Said:
    """What the operations come to. Raises ScimError."""
    given = folded(document)
    operations = given.get("operations")
    schemas = given.get("schemas")
    if not isinstance(schemas, list) or PATCH not in schemas:
        raise ScimError(400, "`schemas` must name PatchOp.", Kind.SYNTAX)
    if not isinstance(operations, list) or not 0 < len(operations) <= _MOST_OPERATIONS:
        raise ScimError(400, f"1 to {_MOST_OPERATIONS} operations are needed.", Kind.SYNTAX)
    said = Said()
    for operation in operations:
        if not isinstance(operation, dict):
            raise ScimError(400, "An operation is not an object.", Kind.SYNTAX)
        said = _after(said, folded(operation))
    return said


def _after(said: Said, operation: dict[str, Any]) -> Said:
    kind, path = operation.get("op"), operation.get("path")
    if not isinstance(kind, str) or kind.lower() not in {"add", "replace", "remove"}:
        raise ScimError(400, "`op` is add, replace or remove.", Kind.SYNTAX)
    if path is not None and (not isinstance(path, str) or len(path) > 200):
        raise ScimError(400, "`path` is not a path.", Kind.PATH)
    if kind.lower() == "remove":
        return _removed(said, path)
    value = operation.get("value")
    if path is not None:
        return _at(said, path, value)
    if not isinstance(value, dict):
        raise ScimError(400, "Without a path the value is an object.", Kind.VALUE)
    for name, member in folded(value).items():
        said = _at(said, name, member)
    return said


def _at(said: Said, path: str, value: Any) -> Said:
    plain = path.lower().removeprefix(f"{SCHEMA.lower()}:")
    if _EMAIL_VALUE.fullmatch(plain):
        return replace(said, email=fit_email(value))
    if plain == "name" and isinstance(value, dict) and "formatted" in folded(value):
        return with_attribute(said, "name.formatted", folded(value)["formatted"])
    if plain in _KEPT:
        return with_attribute(said, plain, value)
    root = _ROOT.match(plain)
    if root is None or root[0] not in _NOT_KEPT:
        raise ScimError(400, "There is no such attribute.", Kind.PATH)
    return said


def _removed(said: Said, path: str | None) -> Said:
    """What we keep goes back to what it is when nobody says anything."""
    if path is None:
        raise ScimError(400, "What to remove?", Kind.NO_TARGET)
    plain = path.lower().removeprefix(f"{SCHEMA.lower()}:")
    if plain == "externalid":
        return replace(said, external_id="")
    if plain in {"displayname", "name", "name.formatted"}:
        return replace(said, display_name="")
    if plain == "emails" or _EMAIL_VALUE.fullmatch(plain):
        return replace(said, email="")
    root = _ROOT.match(plain)
    if root is None or root[0] not in _NOT_KEPT:
        raise ScimError(400, "That attribute can't be removed.", Kind.MUTABILITY)
    return said
