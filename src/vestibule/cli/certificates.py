"""`vestibule cert`: our authority, and the server's certificate."""

import typer
from rich.table import Table

from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, console, run
from vestibule.pki.files import read_certificate

app = typer.Typer(help="Certificates: show.", no_args_is_help=True)


@app.command("show")
def show(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Show the authority's fingerprint and until when certificates are valid."""
    table = Table("certificate", "valid until", "serial", box=None)

    async def act(workspace: Workspace) -> str:
        folder = workspace.authority.folder
        for name in ("root", "issuing", "server"):
            certificate = read_certificate(folder / f"{name}.pem")
            until = f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
            table.add_row(name, until, f"{certificate.serial_number:x}")
        return workspace.authority.fingerprint()

    fingerprint = run(config, act)
    console.print(f"SHA-256 fingerprint of the authority:\n{fingerprint}\n", soft_wrap=True)
    console.print(table)
