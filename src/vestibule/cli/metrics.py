"""`vestibule metrics`: the token that metrics are read with."""

import secrets

import typer

from vestibule.cli.output import say
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, settings_from
from vestibule.pki.files import private_folder, write_private
from vestibule.store.secret_hash import hash_of

app = typer.Typer(help="What Prometheus reads.", no_args_is_help=True)


@app.command()
def token(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Make a new token and show it once; the one before it is no longer good.

    The server takes it at its next start.
    """
    settings = settings_from(config)
    new = secrets.token_urlsafe(32)
    private_folder(settings.data_dir)
    write_private(settings.metrics_token_file, hash_of(new).encode())
    say("token", new)


@app.callback()
def _metrics() -> None:
    """Keeps `token` a command of a group, though it is the only one."""
