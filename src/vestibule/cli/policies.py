"""`vestibule policy`: what a tenant allows."""

from dataclasses import fields, replace
from typing import Annotated, Any

import typer
from rich.table import Table

from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, console, run
from vestibule.directory.model import Access, Presenting

app = typer.Typer(help="What a tenant allows: show, set.", no_args_is_help=True)
DomainOption = Annotated[str | None, typer.Option(help="Which tenant, if there are several.")]


@app.command("show")
def show(domain: DomainOption = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Show the policy in force."""
    table = Table("setting", "value", box=None)

    async def act(workspace: Workspace) -> None:
        policy = workspace.tenant(domain).policy
        for field in fields(policy):
            table.add_row(field.name, str(getattr(policy, field.name)))

    run(config, act)
    console.print(table)


@app.command("set")
def set_policy(
    device_digest: Annotated[
        bool | None, typer.Option(help="Phones may use a secret of their own (digest, SHA-256).")
    ] = None,
    device_digest_md5: Annotated[
        bool | None, typer.Option(help="… with MD5 too, for old phones. Weak: avoid.")
    ] = None,
    access: Annotated[Access | None, typer.Option(help="Who skips the lobby.")] = None,
    presenting: Annotated[Presenting | None, typer.Option(help="Who presents.")] = None,
    lobby_timeout: Annotated[
        float | None, typer.Option(help="Seconds until a wait in the lobby ends.", min=10)
    ] = None,
    domain: DomainOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change the policy; what you don't name stays."""
    given = {
        "device_digest": device_digest,
        "device_digest_md5": device_digest_md5,
        "access": access,
        "presenting": presenting,
        "lobby_timeout": lobby_timeout,
    }

    async def act(workspace: Workspace) -> None:
        tenant = workspace.tenant(domain)
        changes: dict[str, Any] = {
            name: value for name, value in given.items() if value is not None
        }
        await workspace.directory.set_policy(tenant.id, replace(tenant.policy, **changes))

    run(config, act)
    show(domain, config)
