"""`vestibule provisioning-token`: what a tenant's own directory shows to keep our people in step (SCIM)."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from vestibule.cli.output import fail, say, show_table
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, DomainOption, Workspace, run
from vestibule.directory.provisioning_tokens import (
    ProvisioningToken,
    ProvisioningTokens,
    Scope,
)

app = typer.Typer(help="Tokens for provisioning by SCIM: add, list, revoke.", no_args_is_help=True)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Who is to have it, such as entra.")],
    *,
    read_only: Annotated[bool, typer.Option(help="It may look and change nothing.")] = False,
    days: Annotated[int, typer.Option(help="How long it is good.", min=1, max=730)] = 365,
    domain: DomainOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Make a token and print it, once. It opens the accounts of one tenant and nothing else."""

    async def act(workspace: Workspace) -> tuple[str, str]:
        tenant = workspace.tenant(domain)
        scope = Scope.READ if read_only else Scope.WRITE
        secret = await _tokens(workspace).make(tenant.id, name, scope, days)
        return f"{workspace.settings.web_origin}/scim/v2", secret

    address, secret = run(config, act)
    say("address", address)
    say("token", secret)


@app.command("list")
def list_tokens(domain: DomainOption = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List a tenant's tokens."""

    async def act(workspace: Workspace) -> list[ProvisioningToken]:
        return list(await _tokens(workspace).all_of(workspace.tenant(domain).id))

    show_table(
        ("id", "name", "may", "until", "good"),
        (
            (one.id, one.name, one.scope.value, _day(one.expires_at), _yes(one.is_good))
            for one in run(config, act)
        ),
    )


@app.command("revoke")
def revoke(
    token: Annotated[str, typer.Argument(help="Its id or name, as `list` shows it.")],
    domain: DomainOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take a token back: it opens nothing from now on."""

    async def act(workspace: Workspace) -> int:
        tokens = _tokens(workspace)
        found = [
            one
            for one in await tokens.all_of(workspace.tenant(domain).id)
            if token in (one.id, one.name) and one.is_good
        ]
        for one in found:
            await tokens.revoke(one)
        return len(found)

    if not run(config, act):
        fail(f"there is no good token {token!r}: `vestibule provisioning-token list` shows them")
    say(f"{token} is revoked")


def _tokens(workspace: Workspace) -> ProvisioningTokens:
    return ProvisioningTokens(workspace.store, workspace.directory)


def _day(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")


def _yes(value: bool) -> str:
    return "yes" if value else "no"
