"""`vestibule trusted-server`: which other servers may connect to this one."""

from typing import Annotated

import typer

from vestibule.cli.output import fail, say
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, run
from vestibule.directory.trusted_servers import TrustedServers
from vestibule.setting_values import server_name

app = typer.Typer(
    help="Servers that may connect to this one: add, list, remove.", no_args_is_help=True
)
NameArgument = Annotated[
    str, typer.Argument(help="Host, SIP domain or address, as its certificate says it.")
]


@app.command("add")
def add(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a server connect whose certificate is for that name and from a trusted authority."""

    async def act(workspace: Workspace) -> str:
        wanted = server_name(name)
        if not await (await _list(workspace)).add(wanted):
            fail(f"{wanted} is trusted already")
        return wanted

    say("Trusted from now on:", run(config, act))


@app.command("list")
def list_trusted(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List them."""

    async def act(workspace: Workspace) -> list[str]:
        return (await _list(workspace)).names()

    for name in run(config, act):
        say(name)


@app.command("remove")
def remove(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Trust a server no longer; a running server ends its connections within seconds."""

    async def act(workspace: Workspace) -> str:
        wanted = server_name(name)
        if not await (await _list(workspace)).remove(wanted):
            fail(f"{wanted} is not trusted: see `vestibule trusted-server list`")
        return wanted

    say("No longer trusted:", run(config, act))


async def _list(workspace: Workspace) -> TrustedServers:
    servers = TrustedServers(workspace.store, workspace.journal)
    await servers.load()
    return servers
