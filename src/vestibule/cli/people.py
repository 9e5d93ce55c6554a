"""`vestibule user`: the people of a tenant."""

import secrets
from typing import Annotated

import typer
from rich.table import Table

from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, console, run
from vestibule.identity.passwords import Passwords

app = typer.Typer(help="People: add, list, new password, disable, enable.", no_args_is_help=True)
DomainOption = Annotated[str | None, typer.Option(help="Which tenant, if there are several.")]


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="User name, as in sip:NAME@domain.")],
    display_name: Annotated[str, typer.Option(help="What others see.")] = "",
    unlicensed: Annotated[bool, typer.Option(help="May join meetings but not create any.")] = False,
    domain: DomainOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a person and print a random password, once."""
    password = secrets.token_urlsafe(12)

    async def act(workspace: Workspace) -> str:
        tenant = workspace.tenant(domain)
        person = await workspace.directory.add_person(
            tenant.id, name, display_name=display_name or name.title(), domain=domain,
            licensed=not unlicensed, password_hash=await Passwords().hash(password),
        )  # fmt: skip
        return person.aor

    console.print(f"{run(config, act)}  password [bold]{password}[/bold]")


@app.command("list")
def list_people(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List everybody."""
    table = Table("address", "name", "may create meetings", "enabled", box=None)

    async def act(workspace: Workspace) -> None:
        for tenant in workspace.directory.tenants():
            for person in workspace.directory.people_of(tenant.id):
                table.add_row(
                    person.aor, person.display_name, _yes(person.licensed), _yes(person.enabled)
                )

    run(config, act)
    console.print(table)


@app.command("passwd")
def passwd(name: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Give a person a new random password and print it, once."""
    password = secrets.token_urlsafe(12)

    async def act(workspace: Workspace) -> None:
        person = workspace.person(name)
        await workspace.directory.set_password(person.id, await Passwords().hash(password))

    run(config, act)
    console.print(f"{name}  password [bold]{password}[/bold]")


@app.command("disable")
def disable(name: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a person sign in no longer."""
    _set_enabled(name, config, enabled=False)


@app.command("enable")
def enable(name: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a disabled person sign in again."""
    _set_enabled(name, config, enabled=True)


def _set_enabled(name: str, config: ConfigOption, *, enabled: bool) -> None:
    async def act(workspace: Workspace) -> str:
        person = workspace.person(name)
        await workspace.directory.set_enabled(person.id, enabled=enabled)
        return person.aor

    console.print(f"{run(config, act)} is {'enabled' if enabled else 'disabled'}")


def _yes(value: bool) -> str:
    return "yes" if value else "no"
