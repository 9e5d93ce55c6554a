"""`vestibule cert`: our authority, and the server's certificate."""

import typer

from vestibule.cli.output import fail, say, show_table
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, run
from vestibule.pki.files import read_certificate

app = typer.Typer(help="Certificates: show.", no_args_is_help=True)


@app.command("show")
def show(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Show the authority's fingerprint and until when certificates are valid."""

    async def act(workspace: Workspace) -> tuple[str, str, list[tuple[str, ...]]]:
        authority = workspace.authority
        if not authority.exists:
            fail(f"there is no authority in {authority.folder}: `vestibule init` makes one")
        rows: list[tuple[str, ...]] = []
        for name in ("root", "issuing", "server"):
            path = authority.folder / f"{name}.pem"
            if path.exists():
                certificate = read_certificate(path)
                until = f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
                rows.append((name, until, f"{certificate.serial_number:x}"))
        return authority.fingerprint(), str(authority.folder / "authority.pem"), rows

    fingerprint, file, rows = run(config, act)
    say("The authority to trust:", file)
    say("Its SHA-256 fingerprint:", fingerprint)
    say("")
    show_table(("certificate", "valid until", "serial"), rows)
