"""`vestibule device`: phones and what they prove themselves with."""

import hashlib
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from rich.table import Table

from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, console, fail, run
from vestibule.directory.directory import new_device_secret
from vestibule.directory.model import Person
from vestibule.pki.files import write_private

app = typer.Typer(help="Phones: enroll, device secret, list, revoke.", no_args_is_help=True)


@app.command("enroll")
def enroll(
    person: Annotated[str, typer.Argument(help="Whose device it is.")],
    name: Annotated[str, typer.Argument(help="What to call it, such as desk-phone.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the PEM.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Issue a client certificate to a device and write one PEM: key, certificate, chain (mode 0600)."""

    async def act(workspace: Workspace) -> Path:
        owner = workspace.person(person)
        path = out or Path(f"{owner.user}-{name}.pem")
        await enroll_device(workspace, owner, name, path)
        return path

    console.print(f"Written: [bold]{run(config, act)}[/bold] (key and certificate; keep it secret)")


@app.command("secret")
def secret(
    person: Annotated[str, typer.Argument(help="Whose device it is.")],
    name: Annotated[str, typer.Argument(help="What to call it, such as desk-phone.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Make a random digest secret for one device and print it, once.

    The tenant's policy must allow device secrets: `vestibule policy set --device-digest`.
    """

    async def act(workspace: Workspace) -> tuple[str, str]:
        owner = workspace.person(person)
        tenant = workspace.directory.tenant(owner.tenant)
        if tenant is None or not tenant.policy.device_digest:
            fail(
                "the tenant's policy does not allow device secrets: see `vestibule policy set --help`"
            )
        return owner.user, await add_secret(
            workspace, owner, name, md5=tenant.policy.device_digest_md5
        )

    user, value = run(config, act)
    console.print(f"user name [bold]{user}[/bold]  secret [bold]{value}[/bold]")


@app.command("list")
def list_devices(person: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List a person's devices."""
    table = Table("id", "name", "proves itself by", "state", box=None)

    async def act(workspace: Workspace) -> None:
        for device in workspace.directory.devices_of(workspace.person(person).id):
            state = "revoked" if device.revoked else "good"
            table.add_row(device.id, device.name, device.kind, state)

    run(config, act)
    console.print(table)


@app.command("revoke")
def revoke(
    device_id: Annotated[str, typer.Argument(help="As `vestibule device list` shows it.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take a device's right back; a running server acts on it within seconds."""

    async def act(workspace: Workspace) -> None:
        if workspace.directory.device(device_id) is None:
            fail(f"there is no device {device_id!r}: see `vestibule device list PERSON`")
        await workspace.directory.revoke_device(device_id)

    run(config, act)
    console.print(f"{device_id} is revoked")


async def enroll_device(workspace: Workspace, owner: Person, name: str, path: Path) -> None:
    """Issue a certificate to a new device and write its PEM."""
    device_id = str(uuid4())
    credential = workspace.authority.enroll(owner.aor, device_id)
    await workspace.directory.add_certificate_device(owner, name, credential.serial, device_id)
    write_private(path, credential.pem)


async def add_secret(workspace: Workspace, owner: Person, name: str, *, md5: bool) -> str:
    """A new device secret; only its digests are kept."""
    value = new_device_secret()
    text = f"{owner.user}:{owner.domain}:{value}".encode()
    await workspace.directory.add_digest_device(
        owner,
        name,
        ha1_sha256=hashlib.sha256(text).hexdigest(),
        ha1_md5=hashlib.md5(text, usedforsecurity=False).hexdigest() if md5 else None,
    )
    return value
