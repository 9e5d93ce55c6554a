"""What most commands need: the settings, the open store, the directory, the authority."""

import asyncio
import os
import pwd
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pydantic
import typer
from sqlalchemy.exc import DBAPIError

from vestibule.cli.output import fail
from vestibule.config import Settings, load_settings
from vestibule.directory.directory import AlreadyThere, Directory
from vestibule.directory.model import Person, Tenant
from vestibule.journal.certificates import CertificateJournal
from vestibule.journal.journal import Journal
from vestibule.pki.authority import Authority
from vestibule.store.engine import SchemaTooNew, Store
from vestibule.store.writer import Writer

T = TypeVar("T")

ConfigOption = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="VESTIBULE_CONFIG", help="The configuration file."),
]
DomainOption = Annotated[str | None, typer.Option(help="Which tenant, if there are several.")]
DEFAULT_CONFIG = Path("vestibule.toml")


@dataclass(frozen=True, slots=True)
class Workspace:
    """An open installation. What is done in it is journalled under this machine's user's name."""

    settings: Settings
    store: Store
    writer: Writer
    journal: Journal
    directory: Directory
    authority: Authority

    def person(self, name: str) -> Person:
        """A person by user name or address. Ends the command if there is none, or several."""
        wanted = name.lower().removeprefix("sip:")
        found = [
            person
            for tenant in self.directory.tenants()
            for person in self.directory.people_of(tenant.id)
            if wanted in (person.user, f"{person.user}@{person.domain}")
        ]
        if not found:
            fail(f"there is no person {name!r}: `vestibule user list` shows who there is")
        if len(found) > 1:
            addresses = " or ".join(person.aor.removeprefix("sip:") for person in found)
            fail(f"{name!r} could be several people: say {addresses}")
        return found[0]

    def tenant(self, domain: str | None = None) -> Tenant:
        """The tenant of a domain, or the only one. Ends the command if it isn't clear which."""
        tenants = self.directory.tenants()
        if domain is not None:
            found = self.directory.tenant_of_domain(domain.lower())
            return found or fail(f"no tenant has the domain {domain!r}")
        if not tenants:
            fail("there is no tenant yet: `vestibule tenant add` makes one")
        if len(tenants) > 1:
            domains = ", ".join(tenant.domains[0] for tenant in tenants)
            fail(f"there are several tenants: say which with --domain ({domains})")
        return tenants[0]


def settings_from(config: Path) -> Settings:
    """The settings; a wrong file ends the command with what is wrong in it."""
    try:
        return load_settings(config)
    except FileNotFoundError as error:
        fail(str(error))
    except tomllib.TOMLDecodeError as error:
        fail(f"{config} is not TOML: {error}")
    except pydantic.ValidationError as error:
        fail(f"{config} can't be used:\n{_reasons(error)}")


def settings_of(**values: Any) -> Settings:
    """Settings from a command's options; wrong ones end the command with what is wrong."""
    try:
        return Settings(**values)
    except pydantic.ValidationError as error:
        fail(f"that can't be:\n{_reasons(error)}")


@asynccontextmanager
async def open_workspace(settings: Settings) -> AsyncIterator[Workspace]:
    """Open an installation, and close it afterwards."""
    store = Store(settings.database_url)
    writer = Writer(store)
    journal = Journal(writer, settings.journal_dir, _local_user())
    try:
        await store.start()
        directory = Directory(store, journal)
        await directory.load()
        tell = CertificateJournal(journal)
        authority = Authority(
            settings.pki_dir, settings.crl_base, witness=tell, token=settings.issuing_token
        )
        journal.start()
        yield Workspace(settings, store, writer, journal, directory, authority)
    finally:
        await journal.close()
        await writer.close()
        await store.close()


def run(config: Path, act: Callable[[Workspace], Awaitable[T]]) -> T:
    """Open the installation of a configuration file and do one thing in it."""
    return run_in(settings_from(config), act)


def run_in(settings: Settings, act: Callable[[Workspace], Awaitable[T]]) -> T:
    """Open an installation and do one thing in it; what goes wrong ends the command."""

    async def opened() -> T:
        async with open_workspace(settings) as workspace:
            return await act(workspace)

    try:
        return asyncio.run(opened())
    except (AlreadyThere, SchemaTooNew, ValueError, OSError) as error:
        fail(str(error))
    except DBAPIError as error:
        fail(f"the database can't be used: {error.orig}")


def _local_user() -> str:
    """Who runs this command, for the journal."""
    number = os.getuid()
    try:
        return f"local:{pwd.getpwuid(number).pw_name}"
    except KeyError:  # a container's user without a name
        return f"local:{number}"


def _reasons(error: pydantic.ValidationError) -> str:
    lines = []
    for problem in error.errors():
        where = ".".join(map(str, problem["loc"]))
        reason = problem["msg"].removeprefix("Value error, ")
        lines.append(f"  {where}: {reason}" if where else f"  {reason}")
    return "\n".join(lines)
