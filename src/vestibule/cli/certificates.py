"""`vestibule cert`: our authority, and what it has issued."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from vestibule.cli.output import fail, say, show_table
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, run
from vestibule.pki.acme.public_certificate import PublicCertificate
from vestibule.pki.authority import Authority
from vestibule.pki.files import read_certificate, write_private
from vestibule.setting_values import server_name

app = typer.Typer(help="Certificates: show, list, issue, revoke, renew.", no_args_is_help=True)


@app.command("show")
def show(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Show the authority's fingerprint and until when certificates are valid."""

    async def act(workspace: Workspace) -> tuple[str, str, list[tuple[str, ...]]]:
        authority = _authority(workspace)
        rows: list[tuple[str, ...]] = []
        for name in ("root", "issuing", "server"):
            path = authority.folder / f"{name}.pem"
            if path.exists():
                certificate = read_certificate(path)
                until = _moment(certificate.not_valid_after_utc)
                rows.append((name, until, f"{certificate.serial_number:x}"))
        if public := _public(workspace).held():
            rows.append((f"public, of {public.issuer}", _moment(public.until), public.serial))
        return authority.fingerprint(), str(authority.folder / "authority.pem"), rows

    fingerprint, file, rows = run(config, act)
    say("The authority to trust:", file)
    say("Its SHA-256 fingerprint:", fingerprint)
    say("")
    show_table(("certificate", "valid until", "serial"), rows)


@app.command("list")
def list_issued(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List every certificate that was issued, the newest first, and a public authority's."""

    async def act(workspace: Workspace) -> list[tuple[str, ...]]:
        authority = _authority(workspace)
        revoked = dict(workspace.directory.revoked_certificates())
        newest_first = sorted(
            authority.ledger.issued(), key=lambda one: one.certificate.not_valid_before_utc
        )[::-1]
        now = datetime.now(UTC)
        return _public_rows(workspace) + [
            (
                one.serial,
                one.holder,
                _moment(one.certificate.not_valid_after_utc),
                "revoked" if one.serial in revoked else one.state(now),
            )
            for one in newest_first
        ]

    show_table(("serial", "for", "until", "state"), run(config, act))


@app.command("issue")
def issue(
    names: Annotated[list[str], typer.Argument(help="DNS names and addresses of the server.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write the PEM; default: NAME.pem here.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Issue a certificate to another server or node: one PEM with key, certificate and chain.

    The file has mode 0600. It is good for 90 days: issue the next in time.
    """

    async def act(workspace: Workspace) -> Path:
        wanted = [server_name(name) for name in names]
        path = out or Path(f"{wanted[0]}.pem")
        if path.exists():
            fail(f"{path} is there already: name another file with --out")
        key, chain = _authority(workspace).issue_node(wanted)
        write_private(path, key + chain)
        return path

    say("Key and certificate, to be kept secret:", str(run(config, act)))
    say(
        "It may connect to this server once it is on the list:", "vestibule trusted-server add NAME"
    )


@app.command("revoke")
def revoke(
    serial: Annotated[str, typer.Argument(help="As `vestibule cert list` shows it.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take a certificate back; a running server publishes it within seconds."""
    wanted = serial.lower().replace(":", "").lstrip("0")

    async def act(workspace: Workspace) -> None:
        device = workspace.directory.device_by_serial(wanted)
        if device is not None:
            await workspace.directory.revoke_device(device.id)
        try:
            _authority(workspace).revoke(wanted)
        except KeyError:
            if device is None:
                fail(f"no certificate {serial!r} was issued here: see `vestibule cert list`")

    run(config, act)
    say(f"{wanted} is revoked")


@app.command("renew")
def renew(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Issue a new key and certificate for this server now; a running one takes them in seconds."""

    async def act(workspace: Workspace) -> str:
        authority = _authority(workspace)
        authority.issue_server(workspace.settings.server_names)
        return _moment(read_certificate(authority.folder / "server.pem").not_valid_after_utc)

    say("Renewed; good until", run(config, act))


def _authority(workspace: Workspace) -> Authority:
    authority = workspace.authority
    if not authority.exists:
        fail(f"there is no authority in {authority.folder}: `vestibule init` makes one")
    return authority


def _public(workspace: Workspace) -> PublicCertificate:
    settings = workspace.settings
    return PublicCertificate(
        settings.pki_dir / "public", settings.public_names, without_crl=settings.acme_without_crl
    )


def _public_rows(workspace: Workspace) -> list[tuple[str, ...]]:
    """The certificate of a public authority, if there is one; the edge shows it while it is good."""
    public = _public(workspace)
    held = public.held()
    if held is None:
        return []
    good = workspace.settings.acme_directory is not None and public.in_use() is not None
    name = f"{sorted(held.names)[0]} (public, of {held.issuer})"
    return [(held.serial, name, _moment(held.until), "good" if good else "not used")]


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
