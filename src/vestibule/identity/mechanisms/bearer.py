"""An access token in the message (RFC 8898). Each message carries it; `AccessTokens` checks a token's
signature once and everything else each time."""

from dataclasses import replace
from typing import Protocol

from vestibule.directory.model import Person
from vestibule.identity.mechanisms.certificate import member
from vestibule.identity.principal import Mechanism, Principal
from vestibule.identity.tokens import Claims, TokenRefused


class Tokens(Protocol):
    """What verifies access tokens."""

    def verify(self, token: str, *, audience: str) -> Claims:
        """What a good token says. Raises TokenRefused."""

    def is_revoked(self, grant: str) -> bool:
        """Whether that sign-in was ended before its tokens were."""


class PeopleById(Protocol):
    """What of the directory is needed here."""

    def person_by_id(self, person_id: str) -> Person | None:
        """The person of that id."""


def prove_by_token(token: str, tokens: Tokens, people: PeopleById) -> Principal | None:
    """Whose token it is; None if it proves nothing."""
    try:
        claims = tokens.verify(token, audience="sip")
    except TokenRefused:
        return None
    person = people.person_by_id(claims.person_id)
    if person is None:
        return None
    return replace(member(person, Mechanism.BEARER), grant=claims.grant or None)
