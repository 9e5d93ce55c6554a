"""Who calls the API: proof by access token (RFC 6750)."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from vestibule.directory.model import Person
from vestibule.identity.tokens import AccessTokens, Claims, TokenRefused
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note, Notes
from vestibule.portal.dependencies import People
from vestibule.portal.problem import Problem

_SCHEME = HTTPBearer(auto_error=False, description="Access token of the provider at /identity")

Declared = Annotated[object, Security(_SCHEME)]


@dataclass(frozen=True, slots=True)
class Caller:
    """A proven caller."""

    person: Person
    claims: Claims


class BearerProof:
    """FastAPI dependency: the caller, or 401 as RFC 6750 section 3 has it."""

    def __init__(self, tokens: AccessTokens, people: People, notes: Notes, *, realm: str) -> None:
        self._tokens = tokens
        self._people = people
        self._notes = notes
        self._challenge = f'Bearer realm="{realm}"'

    def __call__(self, request: Request, _declared: Declared) -> Caller:
        """The caller of this request. Raises Problem."""
        return self.caller(request)

    def caller(self, request: Request) -> Caller:
        """The same, for those who aren't FastAPI."""
        given = request.headers.getlist("authorization")
        if not given:
            raise Problem(401, "Sign in first.", {"WWW-Authenticate": self._challenge})
        scheme, _, token = given[0].partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer" or not token:
            raise self.refused("invalid_request", "One bearer token is needed.")
        try:
            claims = self._tokens.verify(token.strip(), audience="api")
        except TokenRefused as refused:
            self._note(request, refused)
            raise self.refused("invalid_token", "The access token isn't good here.") from refused
        person = self._people.person_by_id(claims.person_id)
        if person is None:  # deleted in this very moment
            raise self.refused("invalid_token", "The access token isn't good here.")
        return Caller(person, claims)

    def first(self, route: type[APIRoute]) -> type[APIRoute]:
        """A kind of route that asks for proof before it reads the body, unlike FastAPI's own."""
        proof = self

        class Proven(route):  # type: ignore[misc, valid-type]
            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                handle = super().get_route_handler()

                async def proven(request: Request) -> Response:
                    proof.caller(request)
                    answer: Response = await handle(request)
                    return answer

                return proven

        return Proven

    def _note(self, request: Request, refused: TokenRefused) -> None:
        self._notes.note(
            Note(
                Kind.PROOF_REFUSED,
                address=request.client.host if request.client else None,
                mechanism="api-bearer",
                details={Detail.REASON: refused.reason.value},
            )
        )

    def refused(self, error: str, detail: str) -> Problem:
        """The 401 for a token that proves nothing."""
        challenge = f'{self._challenge}, error="{error}", error_description="{detail}"'
        return Problem(401, detail, {"WWW-Authenticate": challenge})
