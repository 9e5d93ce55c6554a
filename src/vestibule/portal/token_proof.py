"""Who calls the API: proof by access token, as bearer (RFC 6750) or bound to a key (DPoP, RFC 9449)."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from vestibule.directory.conditional_access import ClientKind
from vestibule.directory.model import Person
from vestibule.identity.access_gate import told
from vestibule.identity.conditional_access import Outcome
from vestibule.identity.dpop import ALGORITHMS, DpopProofs, DpopRefused
from vestibule.identity.dpop import Refusal as ProofRefusal
from vestibule.identity.personal_tokens import PREFIX
from vestibule.identity.tokens import AccessTokens, Claims, TokenRefused
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note, Notes
from vestibule.portal.connection import connection_of
from vestibule.portal.dependencies import People, PortalDependencies
from vestibule.portal.problem import Problem

_SCHEME = HTTPBearer(
    auto_error=False,
    description="Access token of the provider at /identity; one bound to a key comes as "
    "`Authorization: DPoP` with a proof of that key in `DPoP` (RFC 9449).",
)
_NOT_GOOD = "The access token isn't good here."

Declared = Annotated[object, Security(_SCHEME)]


@dataclass(frozen=True, slots=True)
class Caller:
    """A proven caller."""

    person: Person
    claims: Claims
    personal: bool = False
    """Whether the token is a personal one, which is good for its own scope only."""


class TokenProof:
    """FastAPI dependency: the caller, or 401 as RFC 6750 section 3 and RFC 9449 section 7.1 have it."""

    def __init__(self, deps: PortalDependencies) -> None:
        self._tokens: AccessTokens = deps.tokens
        self._proofs: DpopProofs = deps.proofs
        self._people: People = deps.people
        self._notes: Notes = deps.notes
        self._personal = deps.personal_tokens
        self._gate = deps.gate
        self._origin = deps.origin
        self._bearer = f'Bearer realm="{deps.domain}"'
        self._dpop = f'DPoP realm="{deps.domain}", algs="{" ".join(ALGORITHMS)}"'

    async def __call__(self, request: Request, response: Response, _declared: Declared) -> Caller:
        """The caller of this request, who signed in. Raises Problem."""
        return await self._allowed(request, response, None)

    def scoped(self, scope: str) -> Callable[..., Coroutine[Any, Any, Caller]]:
        """The dependency of routes that take personal tokens for `scope` too."""

        async def scoped(request: Request, response: Response, _declared: Declared) -> Caller:
            return await self._allowed(request, response, scope)

        return scoped

    async def _allowed(self, request: Request, response: Response, scope: str | None) -> Caller:
        caller = await self.caller(request)
        if caller.personal and scope not in caller.claims.scope.split():
            wanted = f', scope="{scope}"' if scope else ""
            challenge = f'{self._bearer}, error="insufficient_scope"{wanted}'
            raise Problem(403, "The token isn't for this.", {"WWW-Authenticate": challenge})
        if caller.claims.key:  # so that a client need not be told after each lifetime of a nonce
            response.headers["DPoP-Nonce"] = self._proofs.new_nonce()
        return caller

    async def caller(self, request: Request) -> Caller:
        """The same, for those who aren't FastAPI. Asked twice it checks once: a proof is good once."""
        found: Caller | None = getattr(request.state, "caller", None)
        if found is None:
            found = request.state.caller = await self._prove(request)
        return found

    def first(self, route: type[APIRoute]) -> type[APIRoute]:
        """A kind of route that asks for proof before it reads the body, unlike FastAPI's own."""
        proof = self

        class Proven(route):  # type: ignore[misc, valid-type]
            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                handle = super().get_route_handler()

                async def proven(request: Request) -> Response:
                    await proof.caller(request)
                    answer: Response = await handle(request)
                    return answer

                return proven

        return Proven

    def token_refused(self) -> Problem:
        """The 401 for a token that proves nothing, or nothing any more."""
        return self._problem(self._bearer, "invalid_token", _NOT_GOOD)

    async def _prove(self, request: Request) -> Caller:
        given = request.headers.getlist("authorization")
        if not given:
            challenges = f"{self._bearer}, {self._dpop}"
            raise Problem(401, "Sign in first.", {"WWW-Authenticate": challenges})
        scheme, _, token = given[0].partition(" ")
        scheme, token = scheme.lower(), token.strip()
        if len(given) > 1 or scheme not in {"bearer", "dpop"} or not token:
            raise self._problem(self._bearer, "invalid_request", "One access token is needed.")
        if scheme == "bearer" and token.startswith(PREFIX):
            return await self._by_personal_token(request, token)
        challenge = self._dpop if scheme == "dpop" else self._bearer
        try:
            claims = self._bound(request, token) if scheme == "dpop" else self._unbound(token)
        except TokenRefused as refused:
            self._note(request, scheme, refused.reason.value)
            raise self._problem(challenge, "invalid_token", _NOT_GOOD) from refused
        except DpopRefused as refused:
            raise self._proof_refused(request, refused) from refused
        person = self._people.person_by_id(claims.person_id)
        if person is None:  # deleted in this very moment
            raise self.token_refused()
        return Caller(person, claims)

    async def _by_personal_token(self, request: Request, text: str) -> Caller:
        """Whose personal token it is, if the organisation's policy and conditions allow its use now."""
        token = await self._personal.find(text)
        person = self._people.person_by_id(token.person_id) if token else None
        if token is None or person is None or not person.enabled:
            self._note(request, "personal", "unknown" if token is None else "person")
            raise self.token_refused()
        if not self._personal.is_allowed(token, person):
            self._note(request, "personal", "policy")
            raise self.token_refused()
        decision = self._gate.decide(
            person, token.methods, connection_of(request), ClientKind.CLI, at="personal-token"
        )
        if decision.outcome is not Outcome.ALLOW:
            raise Problem(403, told(decision))
        await self._personal.used(token)
        claims = Claims(
            token.person_id, person.aor, "personal", token.scope, "", int(token.created_at),
            int(token.expires_at),
        )  # fmt: skip
        return Caller(person, claims, personal=True)

    def _unbound(self, token: str) -> Claims:
        return self._tokens.verify(token, audience="api")

    def _bound(self, request: Request, token: str) -> Claims:
        url = f"{self._origin}{request.scope['raw_path'].decode('latin-1')}"
        proof = self._proofs.check(request.headers.getlist("dpop"), request.method, url, token)
        claims = self._tokens.verify(token, audience="api", key=proof.key)
        # Only now: who has no token of ours can't fill the memory of used proofs from here.
        self._proofs.spend(proof)
        return claims

    def _proof_refused(self, request: Request, refused: DpopRefused) -> Problem:
        if refused.reason is not ProofRefusal.NONCE:  # that happens to the honest too
            self._note(request, "dpop", f"proof-{refused.reason}")
            return self._problem(self._dpop, refused.error, "The DPoP proof isn't good for this.")
        problem = self._problem(self._dpop, refused.error, "Make a DPoP proof with this nonce.")
        problem.headers["DPoP-Nonce"] = self._proofs.new_nonce()
        return problem

    def _note(self, request: Request, scheme: str, reason: str) -> None:
        self._notes.note(
            Note(
                Kind.PROOF_REFUSED,
                address=request.client.host if request.client else None,
                mechanism=f"api-{scheme}",
                details={Detail.REASON: reason},
            )
        )

    def _problem(self, challenge: str, error: str, detail: str) -> Problem:
        said = f'{challenge}, error="{error}", error_description="{detail}"'
        return Problem(401, detail, {"WWW-Authenticate": said})
