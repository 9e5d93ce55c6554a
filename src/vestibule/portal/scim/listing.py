"""Which users, and which of those: `filter`, `startIndex`, `count` (RFC 7644 section 3.4.2)."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vestibule.directory.model import Person
from vestibule.portal.scim.message import Kind, ScimError
from vestibule.portal.scim.user import SCHEMA, as_user

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
MOST = 200
"""Users in one answer."""

_FILTER = re.compile(
    rf'(?:{re.escape(SCHEMA)}:)?(userName|externalId)\s+eq\s+("(?:[^"\\]|\\.){{0,400}}")',
    re.IGNORECASE,
)
_ALWAYS = frozenset({"schemas", "id"})
_NUMBER = re.compile(r"-?\d{1,9}")


@dataclass(frozen=True, slots=True)
class Shape:
    """Which attributes are wanted (section 3.9), by their names in lower case."""

    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    def of(self, user: dict[str, Any]) -> dict[str, Any]:
        """The user in that shape; what is always returned stays."""
        return {
            name: value
            for name, value in user.items()
            if name in _ALWAYS
            or (name.lower() in self.only if self.only else name.lower() not in self.without)
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """One page. `attribute` in lower case, None for everybody; `first` counts from 1."""

    attribute: str | None = None
    value: str = ""
    first: int = 1
    count: int = MOST
    shape: Shape = Shape()

    def holds(self, person: Person) -> bool:
        """Whether the person is among them."""
        if self.attribute == "username":
            return f"{person.user}@{person.domain}" == self.value.lower()
        return self.attribute is None or person.external_id == self.value


def wanted_by(query: Mapping[str, str]) -> Wanted:
    """What a query asks for. Raises ScimError."""
    attribute, value = None, ""
    if "filter" in query:
        found = _FILTER.fullmatch(query["filter"].strip())
        if found is None:
            raise ScimError(400, 'Filters: userName eq "…", externalId eq "…".', Kind.FILTER)
        attribute, value = found[1].lower(), _string(found[2])
    first = max(1, _number(query.get("startIndex", "1")))
    count = min(MOST, max(0, _number(query.get("count", str(MOST)))))
    return Wanted(attribute, value, first, count, shape_in(query))


def shape_in(query: Mapping[str, str]) -> Shape:
    """The attributes that a query asks for. Of `name.formatted` we see `name`."""
    return Shape(_names(query.get("attributes", "")), _names(query.get("excludedAttributes", "")))


def search_in(document: Mapping[str, Any]) -> dict[str, str]:
    """A SearchRequest (section 3.4.3) as the query that it stands for. Raises ScimError."""
    query = {}
    for name, value in document.items():
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            query[name] = ",".join(value)
        elif isinstance(value, str | int) and not isinstance(value, bool):
            query[name] = str(value)
        else:
            raise ScimError(400, "Not a SearchRequest.", Kind.SYNTAX)
    return query


def page_of(people: Sequence[Person], wanted: Wanted, base: str) -> dict[str, Any]:
    """That page of those who fit."""
    fit = [person for person in people if wanted.holds(person)]
    page = fit[wanted.first - 1 : wanted.first - 1 + wanted.count]
    return {
        "schemas": [LIST],
        "totalResults": len(fit),
        "startIndex": wanted.first,
        "itemsPerPage": len(page),
        "Resources": [wanted.shape.of(as_user(person, base)) for person in page],
    }


def _names(text: str) -> frozenset[str]:
    plain = (one.strip().lower().removeprefix(f"{SCHEMA.lower()}:") for one in text.split(","))
    return frozenset(one.partition(".")[0] for one in plain if one)


def _string(literal: str) -> str:
    try:
        return str(json.loads(literal))
    except ValueError as error:
        raise ScimError(400, "The filter's value is not a JSON string.", Kind.FILTER) from error


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ScimError(400, "startIndex and count are numbers.", Kind.VALUE)
    return int(text)
