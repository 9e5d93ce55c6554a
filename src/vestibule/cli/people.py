"""`vestibule user`: the people of a tenant."""

from typing import Annotated

import typer

from vestibule.cli.new_password import hash_password, new_password
from vestibule.cli.output import say, show_table
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, DomainOption, Workspace, run

app = typer.Typer(help="People: add, list, new password, disable, enable.", no_args_is_help=True)
PersonArgument = Annotated[str, typer.Argument(help="User name, or address such as alice@DOMAIN.")]


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="User name, as in sip:NAME@domain.")],
    *,
    display_name: Annotated[str, typer.Option(help="What others see.")] = "",
    email: Annotated[str, typer.Option(help="Where invitations go; default: NAME@domain.")] = "",
    unlicensed: Annotated[bool, typer.Option(help="May join meetings but not create any.")] = False,
    domain: DomainOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a person and print a random password, once."""
    password = new_password()

    async def act(workspace: Workspace) -> str:
        tenant = workspace.tenant(domain)
        person = await workspace.directory.add_person(
            tenant.id, name, display_name=display_name or name.title(), email=email, domain=domain,
            licensed=not unlicensed, password_hash=await hash_password(password, fips=workspace.settings.fips),
        )  # fmt: skip
        return person.aor

    say(f"{run(config, act)}  password", password)


@app.command("list")
def list_people(domain: DomainOption = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List everybody, or everybody of one tenant."""

    async def act(workspace: Workspace) -> list[tuple[str, ...]]:
        directory = workspace.directory
        tenants = [workspace.tenant(domain)] if domain else directory.tenants()
        return [
            (person.aor, person.display_name, _yes(person.licensed), _yes(person.enabled))
            for tenant in tenants
            for person in directory.people_of(tenant.id)
        ]

    show_table(("address", "name", "may create meetings", "enabled"), run(config, act))


@app.command("passwd")
def passwd(person: PersonArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Give a person a new random password and print it, once."""
    password = new_password()

    async def act(workspace: Workspace) -> str:
        found = workspace.person(person)
        await workspace.directory.set_password(
            found.id, await hash_password(password, fips=workspace.settings.fips)
        )
        return found.aor

    say(f"{run(config, act)}  password", password)


@app.command("disable")
def disable(person: PersonArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a person, and all devices of that person, sign in no longer."""
    _set_enabled(person, config, enabled=False)


@app.command("enable")
def enable(person: PersonArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a disabled person sign in again."""
    _set_enabled(person, config, enabled=True)


def _set_enabled(name: str, config: ConfigOption, *, enabled: bool) -> None:
    async def act(workspace: Workspace) -> str:
        person = workspace.person(name)
        await workspace.directory.set_enabled(person.id, enabled=enabled)
        return person.aor

    say(f"{run(config, act)} is {'enabled' if enabled else 'disabled'}")


def _yes(value: bool) -> str:
    return "yes" if value else "no"
