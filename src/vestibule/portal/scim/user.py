"""A person as a SCIM User (RFC 7643 section 4.1), and what a client says of one.

`userName` is the address without `sip:`; it never changes. Of names we keep the one that is shown, of
e-mail addresses one. Attributes that we don't keep are accepted and forgotten, as section 3.3 of RFC 7644 lets us.
"""

from dataclasses import dataclass, replace
from typing import Any

from vestibule.directory.model import Person
from vestibule.directory.names import UnfitName, display_name, email_address
from vestibule.directory.provisioning import Kept
from vestibule.portal.scim.message import Kind, ScimError

SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
_MOST_ID_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Said:
    """What a client says; None is what it doesn't, an empty text takes away what was there."""

    user_name: str | None = None
    display_name: str | None = None
    email: str | None = None
    external_id: str | None = None
    active: bool | None = None

    def kept(self, before: Kept, bare: Kept) -> Kept:
        """What was kept, with what is said now; of what is taken away, what `bare` has."""
        return Kept(
            display_name=_said(self.display_name, before.display_name) or bare.display_name,
            email=_said(self.email, before.email) or bare.email,
            external_id=_said(self.external_id, before.external_id) or None,
            enabled=before.enabled if self.active is None else self.active,
        )


def as_user(person: Person, base: str) -> dict[str, Any]:
    """A person for the wire. `base` is the URL of the API."""
    user: dict[str, Any] = {
        "schemas": [SCHEMA],
        "id": person.id,
        "userName": f"{person.user}@{person.domain}",
        "displayName": person.display_name,
        "name": {"formatted": person.display_name},
        "emails": [{"value": person.email}],
        "active": person.enabled,
        "meta": {"resourceType": "User", "location": f"{base}/Users/{person.id}"},
    }
    if person.external_id is not None:
        user["externalId"] = person.external_id
    return user


def bare(user: str, domain: str) -> Kept:
    """What there is of a person of whom nothing is said."""
    return Kept(user.title(), f"{user}@{domain}", None, enabled=True)


def kept_of(person: Person) -> Kept:
    """What is kept of a person now."""
    return Kept(person.display_name, person.email, person.external_id, person.enabled)


def said_in(document: dict[str, Any]) -> Said:
    """What a User document says. Attribute names don't mind case (RFC 7643 section 2.1). Raises ScimError."""
    given = folded(document)
    schemas = given.get("schemas")
    if not isinstance(schemas, list) or SCHEMA not in schemas:
        raise ScimError(400, "`schemas` must name the User schema.", Kind.SYNTAX)
    said = Said()
    name = given.get("name")
    shown = given.get("displayname") or (_formatted(name) if isinstance(name, dict) else None)
    if shown is not None:
        said = replace(said, display_name=fit_display_name(shown))
    for attribute in ("username", "externalid", "emails", "active"):
        if given.get(attribute) is not None:
            said = with_attribute(said, attribute, given[attribute])
    return said


def with_attribute(said: Said, attribute: str, value: Any) -> Said:
    """What is said, and this too. `attribute` in lower case. Raises ScimError."""
    if attribute == "username":
        return replace(said, user_name=_text(value, 320).strip().lower())
    if attribute == "externalid":
        return replace(said, external_id=_text(value, _MOST_ID_CHARACTERS))
    if attribute == "active":
        return replace(said, active=_truth(value))
    if attribute == "emails":
        return replace(said, email=fit_email(_primary(value)))
    return replace(said, display_name=fit_display_name(value))


def fit_display_name(value: Any) -> str:
    """A name to show. Raises ScimError."""
    try:
        return display_name(_text(value, 1000))
    except UnfitName as error:
        raise ScimError(400, "The display name can't be had.", Kind.VALUE) from error


def fit_email(value: Any) -> str:
    """An e-mail address. Raises ScimError."""
    try:
        return email_address(_text(value, 320))
    except UnfitName as error:
        raise ScimError(400, "Not an e-mail address.", Kind.VALUE) from error


def folded(document: dict[str, Any]) -> dict[str, Any]:
    """The members by their names in lower case. Raises ScimError if two are the same then."""
    members = {name.lower(): value for name, value in document.items()}
    if len(members) != len(document):
        raise ScimError(400, "An attribute is given twice.", Kind.SYNTAX)
    return members


def _said(now: str | None, before: str | None) -> str | None:
    return before if now is None else now


def _formatted(name: dict[str, Any]) -> str | None:
    given = folded(name)
    whole = given.get("formatted")
    if isinstance(whole, str) and whole.strip():
        return whole
    parts = (given.get("givenname"), given.get("familyname"))
    return " ".join(part for part in parts if isinstance(part, str) and part.strip()) or None


def _primary(value: Any) -> Any:
    """The address that is marked primary, or the first."""
    entries = value if isinstance(value, list) else [value]
    addresses = [folded(entry) for entry in entries if isinstance(entry, dict)]
    if not addresses:
        raise ScimError(400, "`emails` is a list of objects.", Kind.VALUE)
    marked = [one for one in addresses if one.get("primary") is True]
    return (marked or addresses)[0].get("value")


def _text(value: Any, most: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
        raise ScimError(400, "A value is not a text, or too long.", Kind.VALUE)
    return value


def _truth(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in {"true", "false"}:  # as Entra ID has it
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise ScimError(400, "`active` is true or false.", Kind.VALUE)
    return value
