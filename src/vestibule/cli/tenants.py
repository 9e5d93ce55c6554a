"""`vestibule tenant`: organisations that share this server, strictly apart."""

from typing import Annotated

import typer

from vestibule.cli.output import say, show_table
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, run

app = typer.Typer(help="Tenants: add, list.", no_args_is_help=True)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What the organisation is called.")],
    domains: Annotated[list[str], typer.Argument(help="Its SIP domains.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add an organisation with SIP domains of its own."""

    async def act(workspace: Workspace) -> tuple[str, list[str]]:
        tenant = await workspace.directory.add_tenant(name, tuple(domains))
        unnamed = [one for one in tenant.domains if one not in workspace.settings.domains]
        return tenant.name, unnamed

    added, unnamed = run(config, act)
    say(f"{added} is added")
    if unnamed:
        say(
            f"Next: name {', '.join(unnamed)} under `domains` in {config}, then restart the server,"
        )
        say("      so that its certificate covers them")


@app.command("list")
def list_tenants(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List every tenant."""

    async def act(workspace: Workspace) -> list[tuple[str, ...]]:
        directory = workspace.directory
        return [
            (tenant.name, " ".join(tenant.domains), str(len(directory.people_of(tenant.id))))
            for tenant in directory.tenants()
        ]

    show_table(("name", "domains", "people"), run(config, act))
