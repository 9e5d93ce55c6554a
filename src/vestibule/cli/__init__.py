"""The command line. Each file holds one command or one group of them."""

import typer

from vestibule.cli import (
    access_policies,
    certificates,
    demo,
    devices,
    identity_providers,
    initialise,
    journal,
    ldap_import,
    meetings,
    metrics,
    people,
    personal_tokens,
    policies,
    provisioning_tokens,
    second_factors,
    serve,
    tenants,
    trusted_servers,
)  # fmt: skip

app = typer.Typer(
    name="vestibule",
    help="A self-hosted unified-communications server that lets in nobody who doesn't belong.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
app.command("init")(initialise.init)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.add_typer(tenants.app, name="tenant")
app.add_typer(people.app, name="user")
app.add_typer(identity_providers.app, name="identity-provider")
app.add_typer(provisioning_tokens.app, name="provisioning-token")
app.add_typer(ldap_import.app, name="directory")
app.add_typer(devices.app, name="device")
policies.app.add_typer(access_policies.app, name="access")
app.add_typer(policies.app, name="policy")
app.add_typer(meetings.app, name="meeting")
app.add_typer(certificates.app, name="cert")
app.add_typer(trusted_servers.app, name="trusted-server")
app.add_typer(personal_tokens.app, name="token")
app.add_typer(journal.app, name="journal")
app.add_typer(metrics.app, name="metrics")

__all__ = ["app", "second_factors"]
