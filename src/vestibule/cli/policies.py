"""`vestibule policy`: what a tenant allows."""

from dataclasses import asdict, replace
from typing import Annotated, Any

import typer

from vestibule.cli.output import fail, show_table
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, DomainOption, Workspace, run
from vestibule.directory.model import Access, Presenting, TenantPolicy

app = typer.Typer(help="What a tenant allows: show, set, access.", no_args_is_help=True)


@app.command("show")
def show(domain: DomainOption = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Show the policy in force."""

    async def act(workspace: Workspace) -> TenantPolicy:
        return workspace.tenant(domain).policy

    _show(run(config, act))


@app.command("set")
def set_policy(
    *,
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
    phones_bypass_lobby: Annotated[
        bool | None, typer.Option(help="Telephone callers go straight in.")
    ] = None,
    recording: Annotated[
        bool | None,
        typer.Option(help="Leaders may record meetings; only who agrees is in the recording."),
    ] = None,
    recording_days: Annotated[
        int | None, typer.Option(help="Days that a recording is kept.", min=1, max=3650)
    ] = None,
    device_sign_in: Annotated[
        bool | None, typer.Option(help="Command lines and phones sign in by a code that one types.")
    ] = None,
    personal_token_days: Annotated[
        int | None,
        typer.Option(help="How long tokens for scripts may live; 0: none.", min=0, max=365),
    ] = None,
    domain: DomainOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change the policy; what you don't name stays."""
    given: dict[str, Any] = {
        "device_digest": device_digest,
        "device_digest_md5": device_digest_md5,
        "access": access,
        "presenting": presenting,
        "lobby_timeout": lobby_timeout,
        "phones_bypass_lobby": phones_bypass_lobby,
        "recording": recording,
        "recording_days": recording_days,
        "device_sign_in": device_sign_in,
        "personal_token_days": personal_token_days,
    }
    changes = {name: value for name, value in given.items() if value is not None}

    async def act(workspace: Workspace) -> TenantPolicy:
        if device_digest_md5 and workspace.settings.fips:
            fail("MD5 is turned off by the fips setting")
        tenant = workspace.tenant(domain)
        policy = replace(tenant.policy, **changes)
        await workspace.directory.set_policy(tenant.id, policy)
        return policy

    _show(run(config, act))


def _show(policy: TenantPolicy) -> None:
    settings = asdict(policy)
    settings["conditional_access"] = f"{len(policy.conditional_access.rules)} rules: policy access"
    show_table(("setting", "value"), ((name, str(value)) for name, value in settings.items()))
