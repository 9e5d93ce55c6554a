"""`vestibule identity-provider`: OpenID providers of others that sign people in."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vestibule.cli.output import fail, say, show_table
from vestibule.cli.people import PersonArgument
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, DomainOption, Workspace, run
from vestibule.directory.identity_provider import CreateFrom, IdentityProvider, ProviderSettings
from vestibule.directory.model import Tenant
from vestibule.directory.names import display_name, domain_name
from vestibule.directory.outside_accounts import OutsideAccounts

if TYPE_CHECKING:
    from vestibule.identity.external.discovery import Metadata

app = typer.Typer(
    help="Sign-in at another OpenID provider (Entra ID, Keycloak, …): add, list, remove, test, link, unlink.",
    no_args_is_help=True,
)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_VALUE = re.compile(r"[!-~]{1,200}")
NameArgument = Annotated[str, typer.Argument(help="What it is called here, such as entra.")]
Values = list[str] | None


@app.command("add")
def add(
    name: NameArgument,
    issuer: Annotated[str, typer.Argument(help="Its issuer, https://…, exactly as it says.")],
    client_id: Annotated[str, typer.Argument(help="What it calls us.")],
    *,
    secret_file: Annotated[
        Path | None, typer.Option(help="File with the client secret; - reads it from the input.")
    ] = None,
    title: Annotated[str, typer.Option(help="What the button says.")] = "",
    link_by_email: Annotated[
        Values, typer.Option(help="A domain of yours whose verified addresses find their person.")
    ] = None,
    create_from: Annotated[
        CreateFrom, typer.Option(help="Make an account for who is new, with the address there.")
    ] = CreateFrom.NO,
    mfa_method: Annotated[
        Values, typer.Option(help="A value of `amr` that counts as second factor, such as mfa.")
    ] = None,
    mfa_class: Annotated[Values, typer.Option(help="A value of `acr` that does.")] = None,
    domain: DomainOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a provider, or replace the settings of the one of that name and issuer.

    Without options it signs in nobody until you link people: `vestibule identity-provider link`.
    """
    if not _NAME.fullmatch(name):
        fail("a provider's name has 1 to 40 of a-z, 0-9 and hyphen, such as entra")
    if not issuer.startswith("https://") or any(c in issuer for c in "?# "):
        fail(f"{issuer!r} is not an issuer, such as https://login.example.org/realms/main")
    secret = _secret(secret_file)

    async def act(workspace: Workspace) -> str:
        from vestibule.identity.external.relying_party import (  # noqa: PLC0415 - only here
            redirect_uri,
            sealed_secret,
        )
        from vestibule.identity.service import open_sealing  # noqa: PLC0415

        tenant = workspace.tenant(domain)
        settings = ProviderSettings(
            title=display_name(title) if title else "",
            link_by_email=_own_domains(tenant, link_by_email),
            create_from=create_from,
            mfa_methods=_values(mfa_method),
            mfa_classes=_values(mfa_class),
        )
        sealing = open_sealing(workspace.settings.data_dir / "identity")
        sealed = sealed_secret(sealing, name, secret) if secret else None
        provider = IdentityProvider(name, tenant.id, issuer, client_id, sealed, settings)
        await _put(workspace, provider)
        return redirect_uri(workspace.settings.web_origin, name)

    say("redirect URI to register there:", run(config, act))


@app.command("list")
def list_providers(domain: DomainOption = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List providers, what their word is worth, and how many people are linked."""

    async def act(workspace: Workspace) -> list[tuple[str, ...]]:
        wanted = workspace.tenant(domain).id if domain else None
        rows: list[tuple[str, ...]] = []
        for one in workspace.directory.identity_providers():
            if wanted in (None, one.tenant):
                links = await _accounts(workspace).links_of(one.name)
                rows.append((one.name, one.issuer, one.client_id, _worth(one), str(len(links))))
        return rows

    show_table(("name", "issuer", "client", "may", "people linked"), run(config, act))


@app.command("remove")
def remove(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Remove a provider and its links; who was linked is signed out."""

    async def act(workspace: Workspace) -> int:
        return await _accounts(workspace).remove(_provider(workspace, name))

    say(f"{name} is removed; {run(config, act)} people were linked and are signed out")


@app.command("test")
def test(name: NameArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Ask a provider for its metadata and keys, as the server would. Nobody is signed in."""

    async def act(workspace: Workspace) -> "tuple[Metadata, list[str]]":
        return await _asked(workspace, _provider(workspace, name))

    metadata, keys = run(config, act)
    show_table(
        ("question", "answer"),
        (
            ("authorization", metadata.authorization_endpoint),
            ("token", metadata.token_endpoint),
            ("keys", ", ".join(keys) or "none that we can use"),
            ("names itself in answers (RFC 9207)", "yes" if metadata.names_itself else "no"),
        ),
    )


@app.command("link")
def link(
    name: NameArgument,
    person: PersonArgument,
    subject: Annotated[str, typer.Argument(help="The account's `sub` over there.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say whose an account over there is."""

    async def act(workspace: Workspace) -> str:
        found = workspace.person(person)
        await _accounts(workspace).link(_provider(workspace, name), subject, found)
        return found.aor

    say(f"{run(config, act)} may sign in by {name}")


@app.command("unlink")
def unlink(
    name: NameArgument, person: PersonArgument, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Take a person's link away, and sign the person out."""

    async def act(workspace: Workspace) -> str:
        found = workspace.person(person)
        await _accounts(workspace).unlink(_provider(workspace, name), found)
        return found.aor

    say(f"{run(config, act)} may sign in by {name} no longer")


async def _put(workspace: Workspace, provider: IdentityProvider) -> None:
    known = workspace.directory.identity_provider(provider.name)
    if known is None:
        await _accounts(workspace).add(provider)
    elif (known.issuer, known.tenant) != (provider.issuer, provider.tenant):
        fail(f"{provider.name} is {known.issuer}: remove it first, its links are of that issuer")
    else:
        await _accounts(workspace).change(provider)


async def _asked(workspace: Workspace, provider: IdentityProvider) -> "tuple[Metadata, list[str]]":
    import time  # noqa: PLC0415 - what follows is needed here only

    from vestibule.edge.outbound_trust import OutboundTrust  # noqa: PLC0415
    from vestibule.identity.external.discovery import IDENTITY_LIMITS, Discovery  # noqa: PLC0415
    from vestibule.identity.external.refusal import ExternalRefused  # noqa: PLC0415
    from vestibule.outbound.addresses import OutboundPolicy  # noqa: PLC0415
    from vestibule.outbound.fetcher import Fetcher  # noqa: PLC0415
    from vestibule.pki.foreign_authorities import ForeignAuthorities  # noqa: PLC0415

    settings = workspace.settings
    policy = OutboundPolicy(settings.outbound_allowed)
    tls = OutboundTrust(
        settings.pki_dir / "outbound",
        policy,
        authorities_pem=ForeignAuthorities.read(settings.trusted_authorities).pem.encode(),
        crl_grace_seconds=settings.crl_grace,
        fips=settings.fips,
    )
    discovery = Discovery(Fetcher(policy, limits=IDENTITY_LIMITS, tls=tls), clock=time.time)
    try:
        metadata = await discovery.metadata(provider.issuer)
        return metadata, [key.kid or key.key_type for key in await discovery.keys(metadata)]
    except ExternalRefused as refused:
        fail(f"{provider.name}: {refused}")


def _accounts(workspace: Workspace) -> OutsideAccounts:
    return OutsideAccounts(workspace.store, workspace.directory)


def _provider(workspace: Workspace, name: str) -> IdentityProvider:
    found = workspace.directory.identity_provider(name)
    return found or fail(f"there is no provider {name!r}: `vestibule identity-provider list`")


def _secret(file: Path | None) -> str:
    if file is None:
        return ""
    text = sys.stdin.read() if str(file) == "-" else file.read_text()
    return text.strip() or fail("the client secret is empty")


def _own_domains(tenant: Tenant, said: Values) -> tuple[str, ...]:
    domains = tuple(dict.fromkeys(domain_name(one) for one in said or ()))
    for domain in domains:
        if domain not in tenant.domains:
            fail(
                f"--link-by-email {domain}: not a domain of {tenant.name}, so not its to speak for"
            )
    return domains


def _values(said: Values) -> tuple[str, ...]:
    for value in said or ():
        if not _VALUE.fullmatch(value):
            fail(f"{value!r} can't be a value of `amr` or `acr`")
    return tuple(said or ())


def _worth(provider: IdentityProvider) -> str:
    settings = provider.settings
    parts = [f"link by e-mail in {domain}" for domain in settings.link_by_email]
    if settings.create_from is not CreateFrom.NO:
        parts.append(f"create from {settings.create_from}")
    parts += [f"second factor by {value}" for value in settings.mfa_methods + settings.mfa_classes]
    return ", ".join(parts) or "sign in who is linked"
