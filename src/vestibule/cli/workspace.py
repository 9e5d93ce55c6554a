"""What most commands need: the settings, the open store, the directory, the authority."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import pydantic
import typer
from rich.console import Console

from vestibule.config import Settings, load_settings
from vestibule.directory.directory import AlreadyThere, Directory
from vestibule.directory.model import Person, Tenant
from vestibule.pki.authority import Authority
from vestibule.store.engine import Store

T = TypeVar("T")
console = Console()
problems = Console(stderr=True)

ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        envvar="VESTIBULE_CONFIG",
        help="The configuration file.",
        show_default=True,
    ),
]
DEFAULT_CONFIG = Path("vestibule.toml")


@dataclass(frozen=True, slots=True)
class Workspace:
    """An open installation."""

    settings: Settings
    store: Store
    directory: Directory
    authority: Authority

    def person(self, name: str) -> Person:
        """A person by user name or address. Ends the command if there is none."""
        for tenant in self.directory.tenants():
            for person in self.directory.people_of(tenant.id):
                if name.lower().removeprefix("sip:") in (
                    person.user,
                    person.aor.removeprefix("sip:"),
                ):
                    return person
        fail(f"there is no person {name!r}: `vestibule user list` shows who there is")

    def tenant(self, domain: str | None = None) -> Tenant:
        """The tenant of a domain, or the only one. Ends the command if it isn't clear which."""
        tenants = self.directory.tenants()
        if domain is not None:
            found = self.directory.tenant_of_domain(domain.lower())
            return found or fail(f"no tenant has the domain {domain!r}")
        if len(tenants) == 1:
            return tenants[0]
        fail("there are several tenants: say which with --domain")


def fail(message: str) -> NoReturn:
    """Say what is wrong and end the command with status 1."""
    problems.print(f"[red]vestibule:[/red] {message}", soft_wrap=True)
    raise typer.Exit(1)


def settings_from(config: Path) -> Settings:
    """The settings; a wrong file ends the command with what is wrong in it."""
    try:
        return load_settings(config)
    except FileNotFoundError as error:
        fail(str(error))
    except pydantic.ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        fail(f"{config} can't be used:\n" + "\n".join(lines))


@asynccontextmanager
async def open_workspace(settings: Settings) -> AsyncIterator[Workspace]:
    """Open an installation, and close it afterwards."""
    store = Store(settings.database_url)
    await store.start()
    directory = Directory(store)
    await directory.load()
    authority = Authority(settings.pki_dir, settings.crl_base)
    try:
        yield Workspace(settings, store, directory, authority)
    finally:
        await store.close()


def run(config: Path, act: Callable[[Workspace], Awaitable[T]]) -> T:
    """Open the installation of a configuration file and do one thing in it."""

    async def opened() -> T:
        async with open_workspace(settings_from(config)) as workspace:
            return await act(workspace)

    try:
        return asyncio.run(opened())
    except (AlreadyThere, ValueError) as error:
        fail(str(error))
