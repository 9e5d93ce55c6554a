"""`vestibule init`: a new installation."""

import asyncio
import secrets
from pathlib import Path
from typing import Annotated

import typer

from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, console, fail, open_workspace
from vestibule.config import Settings
from vestibule.identity.passwords import Passwords

_KEYS_TO_WRITE = (
    "data_dir", "host", "domains", "bind", "https_port", "sip_tls_port", "turn_udp_port",
    "media_port_low", "media_port_high",
)  # fmt: skip


def init(
    host: Annotated[str, typer.Option(help="Name or address that clients will use.")],
    domain: Annotated[str, typer.Option(help="SIP domain, as in sip:alice@DOMAIN.")],
    organisation: Annotated[str, typer.Option(help="What your organisation is called.")] = "",
    admin: Annotated[str, typer.Option(help="User name of the first person.")] = "admin",
    data: Annotated[Path, typer.Option(help="Folder for database, keys and certificates.")] = Path(
        "vestibule-data"
    ),
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Make a new installation: configuration, authority, database, first person.

    Nothing that exists is replaced. Afterwards `vestibule serve` starts it.
    """
    if config.exists():
        fail(f"{config} is there already: edit it, or name another file with --config")
    settings = Settings(data_dir=data.resolve(), host=host, domains=(domain,))
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    password = asyncio.run(_fill(settings, organisation or domain, admin))
    config.write_text(_as_toml(settings))
    console.print(f"Configuration: [bold]{config}[/bold]. Data: {settings.data_dir}")
    console.print(f"First person:  [bold]{admin}[/bold], password [bold]{password}[/bold]")
    console.print("Next:          vestibule serve", f"--config {config}", highlight=False)


async def _fill(settings: Settings, organisation: str, admin: str) -> str:
    password = secrets.token_urlsafe(12)
    async with open_workspace(settings) as workspace:
        workspace.authority.create()
        workspace.authority.issue_server(settings.server_names)
        workspace.authority.publish_crls([])
        tenant = await workspace.directory.add_tenant(organisation, settings.domains)
        await workspace.directory.add_person(
            tenant.id,
            admin,
            display_name=admin.title(),
            password_hash=await Passwords().hash(password),
        )
    return password


def _as_toml(settings: Settings) -> str:
    lines = ["# Vestibule. Every key can also be given as VESTIBULE_<KEY> in the environment.", ""]
    for key, field in Settings.model_fields.items():
        value = getattr(settings, key)
        prefix = "" if key in _KEYS_TO_WRITE else "# "
        lines += [f"# {field.description}", f"{prefix}{key} = {_toml_value(value)}", ""]
    return "\n".join(lines)


def _toml_value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    text = "" if value is None else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
