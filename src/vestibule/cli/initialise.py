"""`vestibule init`: a new installation."""

from pathlib import Path
from typing import Annotated

import typer

from vestibule.cli.new_password import hash_password, new_password
from vestibule.cli.output import fail, say
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, run_in, settings_of
from vestibule.config import PREFIX, Settings
from vestibule.directory.names import UnfitName, display_name, user_name
from vestibule.pki.files import private_folder, write_private

_KEYS_TO_WRITE = frozenset({"data_dir", "host", "domains", "bind", "https_port", "sip_tls_port"})
_EXAMPLES = {
    "media_address": "192.0.2.10",
    "media_bind": "192.0.2.10",
    "database": "postgresql://vestibule@db.example/vestibule?sslmode=verify-full",
    "relay_peers": ("10.1.0.0/16",),
    "outbound_allowed": ("10.2.0.0/16",),
    "trusted_authorities": ("/etc/vestibule/partner.pem",),
    "log_json": True,
}


def init(
    *,
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
    settings = settings_of(data_dir=data.resolve(), host=host, domains=(domain,))
    if (settings.pki_dir / "issuing.pem").exists():
        fail(f"there is an installation in {settings.data_dir}: name another folder with --data")
    try:
        user_name(admin), display_name(organisation or domain)
    except UnfitName as error:
        fail(str(error))
    private_folder(settings.data_dir)
    password = new_password()

    async def fill(workspace: Workspace) -> tuple[str, str]:
        tenant = await workspace.directory.add_tenant(organisation or domain, settings.domains)
        person = await workspace.directory.add_person(
            tenant.id, admin, display_name=admin.title(),
            password_hash=await hash_password(password),
        )  # fmt: skip
        workspace.authority.create(settings.server_names)
        workspace.authority.issue_server(settings.server_names)
        workspace.authority.publish_crls([])
        return person.aor, workspace.authority.fingerprint()

    person, fingerprint = run_in(settings, fill)
    write_private(config, _as_toml(settings).encode())
    say("Configuration:", str(config))
    say("Data:", str(settings.data_dir))
    say(f"First person: {person}  password", password)
    say("Authority's SHA-256 fingerprint:", fingerprint)
    say("Next:", f"vestibule serve --config {config}")


def _as_toml(settings: Settings) -> str:
    """Every key with what it means; those that are as usual are commented out."""
    lines = [
        "# Vestibule. Every key can also be given in the environment, as "
        f"{PREFIX}<KEY>; that goes before this file.",
        "",
    ]
    for key, field in Settings.model_fields.items():
        value = getattr(settings, key)
        given = _EXAMPLES[key] if value in (None, ()) else value
        prefix = "" if key in _KEYS_TO_WRITE else "# "
        lines += [f"# {field.description}", f"{prefix}{key} = {_toml_value(given)}", ""]
    return "\n".join(lines)


def _toml_value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
