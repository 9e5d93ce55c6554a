"""`vestibule init`: a new installation."""

from pathlib import Path
from typing import Annotated

import typer

from vestibule.cli.configuration_file import as_toml
from vestibule.cli.new_password import hash_password, new_password
from vestibule.cli.output import fail, say
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, run_in, settings_of
from vestibule.directory.names import UnfitName, display_name, user_name
from vestibule.pki.files import private_folder, write_private

_KEYS_TO_WRITE = frozenset(
    {"data_dir", "host", "domains", "bind", "https_port", "sip_tls_port"}
    | {"pkcs11_module", "pkcs11_token", "pkcs11_key", "pkcs11_pin_file"}
)


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
        # First, as a token may refuse: then nobody is in the database yet, and init may be repeated.
        workspace.authority.check_token()
        tenant = await workspace.directory.add_tenant(organisation or domain, settings.domains)
        person = await workspace.directory.add_person(
            tenant.id, admin, display_name=admin.title(),
            password_hash=await hash_password(password, fips=settings.fips),
        )  # fmt: skip
        workspace.authority.create(settings.server_names)
        workspace.authority.issue_server(settings.server_names)
        workspace.authority.publish_crls([])
        return person.aor, workspace.authority.fingerprint()

    person, fingerprint = run_in(settings, fill)
    write_private(config, as_toml(settings, _KEYS_TO_WRITE).encode())
    say("Configuration:", str(config))
    say("Data:", str(settings.data_dir))
    say(f"First person: {person}  password", password)
    say("Authority's SHA-256 fingerprint:", fingerprint)
    say("Next:", f"vestibule serve --config {config}")
