"""`vestibule device`: phones and what they prove themselves with."""

import hashlib
import secrets
import time
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from vestibule.cli.output import fail, say, show_qr, show_table
from vestibule.cli.people import PersonArgument
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, run
from vestibule.directory.model import Person
from vestibule.identity.device_links import ENROLMENT_PAGE, new_link
from vestibule.pki.files import write_private

app = typer.Typer(help="Phones: enroll, secret, list, revoke.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="What to call it, such as desk-phone.")]


@app.command("enroll")
def enroll(
    person: PersonArgument,
    name: NameArgument,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the PEM; default: PERSON-NAME.pem here.")
    ] = None,
    link: Annotated[
        bool,
        typer.Option("--link", help="No file: print a link and QR code for the device itself."),
    ] = False,
    minutes: Annotated[int, typer.Option(help="How long the link is good.", min=1, max=60)] = 10,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Issue a client certificate to a device: one PEM with key, certificate and chain.

    The file has mode 0600. Give it to the phone, then delete it here. Better, with --link, the
    device makes its own key: the link gives it a certificate, once. `vestibule device revoke`
    takes the right back.
    """
    if link:
        if out is not None:
            fail("--out and --link exclude each other: the link's file is made on the device")
        _invite(person, name, minutes, config)
        return

    async def act(workspace: Workspace) -> Path:
        owner = workspace.person(person)
        path = out or Path(f"{owner.user}-{name}.pem")
        if path.exists():
            fail(f"{path} is there already: name another file with --out")
        if not path.parent.is_dir():
            fail(f"there is no folder {path.parent}")
        await enroll_device(workspace, owner, name, path)
        return path

    say("Key and certificate, to be kept secret:", str(run(config, act)))


@app.command("secret")
def secret(
    person: PersonArgument, name: NameArgument, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Make a random digest secret for one device and print it, once.

    For phones that know neither certificates nor tokens. The tenant's policy must allow it:
    `vestibule policy set --device-digest`.
    """

    async def act(workspace: Workspace) -> tuple[str, str]:
        owner = workspace.person(person)
        tenant = workspace.directory.tenant(owner.tenant)
        if tenant is None or not tenant.policy.device_digest:
            fail(
                "the tenant's policy does not allow device secrets: enroll a certificate instead, "
                "or `vestibule policy set --device-digest`"
            )
        md5 = tenant.policy.device_digest_md5 and not workspace.settings.fips
        return owner.user, await add_secret(workspace, owner, name, md5=md5)

    user, value = run(config, act)
    say(f"user name  {user}  secret", value)


@app.command("list")
def list_devices(person: PersonArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List a person's devices."""

    async def act(workspace: Workspace) -> list[tuple[str, ...]]:
        return [
            (device.id, device.name, device.kind, "revoked" if device.revoked else "good")
            for device in workspace.directory.devices_of(workspace.person(person).id)
        ]

    show_table(("id", "name", "proves itself by", "state"), run(config, act))


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
    say(f"{device_id} is revoked")


def _invite(person: str, name: str, minutes: int, config: Path) -> None:
    """A link that gives the device its certificate, and the same as a QR code."""

    async def act(workspace: Workspace) -> str:
        code = await new_link(
            workspace.store, workspace.journal, workspace.person(person), name,
            seconds=minutes * 60, now=time.time(),
        )  # fmt: skip
        return f"{workspace.settings.web_origin}{ENROLMENT_PAGE}#{code}"

    link = run(config, act)
    say(f"For one device, good for {minutes} minutes:", link)
    show_qr(link)


async def enroll_device(workspace: Workspace, owner: Person, name: str, path: Path) -> None:
    """Issue a certificate to a new device and write its PEM."""
    if not workspace.authority.exists:
        fail(f"there is no authority in {workspace.authority.folder}: `vestibule init` makes one")
    device_id = str(uuid4())
    credential = workspace.authority.enroll(owner.aor, device_id)
    await workspace.directory.add_certificate_device(owner, name, credential.serial, device_id)
    write_private(path, credential.pem)


async def add_secret(workspace: Workspace, owner: Person, name: str, *, md5: bool) -> str:
    """A new device secret; only its digests are kept."""
    value = _new_secret()
    await workspace.directory.add_digest_device(
        owner,
        name,
        ha1_sha256=ha1_sha256(owner, value),
        ha1_md5=_ha1(owner, value, "md5") if md5 else None,
    )
    return value


def ha1_sha256(owner: Person, secret_value: str) -> str:
    """What is kept of a device secret (RFC 7616 section 3.4.2, realm = the person's domain)."""
    return _ha1(owner, secret_value, "sha256")


def _ha1(owner: Person, secret_value: str, algorithm: str) -> str:
    text = f"{owner.user}:{owner.domain}:{secret_value}".encode()
    return hashlib.new(algorithm, text, usedforsecurity=False).hexdigest()


def _new_secret() -> str:
    """A random secret for one device: 128 bits, typed once into a phone."""
    return secrets.token_urlsafe(16)
