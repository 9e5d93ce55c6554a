"""The routes of SCIM. Each proves its token before anything else, and sees one tenant only."""

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps

from fastapi import APIRouter, Request, Response

from vestibule.directory.directory import AlreadyThere
from vestibule.directory.model import Person
from vestibule.directory.names import UnfitName
from vestibule.directory.provisioning import NotYours
from vestibule.directory.provisioning_tokens import ProvisioningToken, Scope
from vestibule.journal.kinds import Kind as JournalKind
from vestibule.journal.note import Note
from vestibule.portal.dependencies import PortalDependencies
from vestibule.portal.scim import description
from vestibule.portal.scim.listing import page_of, search_in, shape_in, wanted_by
from vestibule.portal.scim.message import Kind, ScimError, answer, body_of
from vestibule.portal.scim.patch import said_by
from vestibule.portal.scim.user import SCHEMA, Said, as_user, bare, kept_of, said_in

_Act = Callable[[Request, ProvisioningToken], Awaitable[Response]]
PREFIX = "/scim/v2"


class Scim:
    """Users of the token's tenant; what it says goes through `directory.provisioning`."""

    def __init__(self, deps: PortalDependencies) -> None:
        self._deps = deps
        self._provisioning = deps.provisioning
        self._base = f"{deps.origin}{PREFIX}"

    def router(self) -> APIRouter:
        """The routes."""
        routes = APIRouter(prefix=PREFIX, include_in_schema=False)

        def add(path: str, method: str, act: _Act) -> None:
            routes.add_api_route(path, self._proven(act), methods=[method])

        add("/Users", "GET", self.find)
        add("/Users", "POST", self.create)
        add("/Users/.search", "POST", self.search)
        add("/.search", "POST", self.search)
        add("/Users/{user_id}", "GET", self.read)
        add("/Users/{user_id}", "PUT", self.replace)
        add("/Users/{user_id}", "PATCH", self.patch)
        add("/Users/{user_id}", "DELETE", self.remove)
        for path, document in self._documents().items():
            add(path, "GET", _saying(document))
        add("/{path:path}", "GET", _nothing_here)
        return routes

    # --- users ---

    async def find(self, request: Request, token: ProvisioningToken) -> Response:
        """Those who fit, a page of them."""
        return self._page(token, request.query_params)

    async def search(self, request: Request, token: ProvisioningToken) -> Response:
        """The same, asked for by POST."""
        return self._page(token, search_in(await body_of(request)))

    async def read(self, request: Request, token: ProvisioningToken) -> Response:
        """One of them."""
        user = as_user(self._person(request, token), self._base)
        return answer(shape_in(request.query_params).of(user))

    async def create(self, request: Request, token: ProvisioningToken) -> Response:
        """A new person, without a password. Raises ScimError."""
        said = said_in(await body_of(request))
        user, at, domain = (said.user_name or "").partition("@")
        if not user:
            raise ScimError(400, "`userName` is needed.", Kind.VALUE)
        tenant = self._deps.people.tenant(token.tenant)
        if tenant is None:
            raise ScimError(404, "There is no such tenant.")
        domain = domain if at else tenant.domains[0]
        nothing = bare(user, domain)
        kept = said.kept(nothing, nothing)
        person = await self._provisioning.add(token.tenant, user, domain, kept)
        document = as_user(person, self._base)
        return answer(document, 201, {"Location": document["meta"]["location"]})

    async def replace(self, request: Request, token: ProvisioningToken) -> Response:
        """The person as the document has it; what it doesn't say stays (section 3.5.1 lets us)."""
        person = self._person(request, token)
        said = said_in(await body_of(request))
        if said.user_name is None:
            raise ScimError(400, "`userName` is needed.", Kind.VALUE)
        return await self._changed(person, said)

    async def patch(self, request: Request, token: ProvisioningToken) -> Response:
        """The person after all operations."""
        person = self._person(request, token)
        return await self._changed(person, said_by(await body_of(request)))

    async def remove(self, request: Request, token: ProvisioningToken) -> Response:
        """The account is disabled for good; what it was signed in with ends."""
        await self._provisioning.remove(self._person(request, token))
        return Response(status_code=204)

    # --- inside ---

    def _page(self, token: ProvisioningToken, query: Mapping[str, str]) -> Response:
        people = [one for one in self._deps.people.people_of(token.tenant) if _is_there(one)]
        return answer(page_of(people, wanted_by(query), self._base))

    async def _changed(self, person: Person, said: Said) -> Response:
        if said.user_name not in (None, f"{person.user}@{person.domain}"):
            raise ScimError(400, "`userName` never changes.", Kind.MUTABILITY)
        kept = said.kept(kept_of(person), bare(person.user, person.domain))
        after = await self._provisioning.change(person, kept)
        return answer(as_user(after, self._base))

    def _person(self, request: Request, token: ProvisioningToken) -> Person:
        """The person of the path; another tenant's is as little there as nobody's."""
        person = self._deps.people.person_by_id(request.path_params["user_id"])
        if person is None or person.tenant != token.tenant or not _is_there(person):
            raise ScimError(404, "There is no such user.")
        return person

    def _proven(self, act: _Act) -> Callable[[Request], Awaitable[Response]]:
        @wraps(act)
        async def proven(request: Request) -> Response:
            try:
                return await act(request, await self._token(request))
            except ScimError as error:
                return error.response()
            except AlreadyThere:
                return ScimError(409, "It is taken.", Kind.UNIQUENESS).response()
            except NotYours:
                return ScimError(403, "That account isn't provisioned by SCIM.").response()
            except (UnfitName, ValueError):
                return ScimError(400, "That `userName` can't be had.", Kind.VALUE).response()

        del proven.__wrapped__  # FastAPI would look for the token among the parameters
        return proven

    async def _token(self, request: Request) -> ProvisioningToken:
        """The request's token. Raises ScimError 401, 403."""
        challenge = {"WWW-Authenticate": f'Bearer realm="{self._deps.domain}"'}
        given = request.headers.getlist("authorization")
        scheme, _, secret = (given[0] if len(given) == 1 else "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise ScimError(401, "One bearer token is needed.", headers=challenge)
        token = await self._deps.provisioning_tokens.of(secret.strip())
        if token is None:
            self._refused(request)
            raise ScimError(401, "The token isn't good here.", headers=challenge)
        reads = request.method == "GET" or request.url.path.endswith("/.search")
        if token.scope is not Scope.WRITE and not reads:
            raise ScimError(403, "The token is for reading only.")
        return token

    def _refused(self, request: Request) -> None:
        address = request.client.host if request.client else None
        note = Note(JournalKind.PROOF_REFUSED, address=address, mechanism="scim-bearer")
        self._deps.notes.note(note)

    def _documents(self) -> dict[str, dict[str, object]]:
        kind, schema = description.resource_type(self._base), description.user_schema(self._base)
        return {
            "/ServiceProviderConfig": description.service_provider_config(self._base),
            "/ResourceTypes": description.list_of(kind),
            "/ResourceTypes/User": kind,
            "/Schemas": description.list_of(schema),
            f"/Schemas/{SCHEMA}": schema,
        }


def _is_there(person: Person) -> bool:
    return person.removed_at is None


def _saying(document: dict[str, object]) -> _Act:
    async def say(request: Request, token: ProvisioningToken) -> Response:
        return answer(document)

    return say


async def _nothing_here(request: Request, token: ProvisioningToken) -> Response:
    raise ScimError(404, "There is nothing here.")
