"""`vestibule directory import-ldap`: people from an LDAP directory."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vestibule.cli.output import fail, say, show_table
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, DomainOption, Workspace, run
from vestibule.directory.provisioning import Provisioning

if TYPE_CHECKING:
    from vestibule.directory.ldap_plan import Plan
    from vestibule.directory.ldap_source import LdapSource

app = typer.Typer(help="Accounts from elsewhere: import-ldap.", no_args_is_help=True)


@app.callback()
def directory() -> None:
    """Accounts from elsewhere."""


@app.command("import-ldap")
def import_ldap(
    url: Annotated[str, typer.Argument(help="ldaps://HOST, or ldap://HOST for StartTLS.")],
    *,
    base: Annotated[
        str, typer.Option(help="Where people are, such as ou=people,dc=example,dc=org.")
    ],
    bind: Annotated[str, typer.Option(help="The DN to bind as; it needs to read only.")],
    password_file: Annotated[Path, typer.Option(help="File with its password; - reads the input.")],
    ca: Annotated[
        Path | None, typer.Option(help="PEM of the server's authority, if not a public one.")
    ] = None,
    entries: Annotated[
        str, typer.Option("--filter", help="Which entries are people.")
    ] = "(objectClass=inetOrgPerson)",
    group: Annotated[str, typer.Option(help="Only members of the group of this DN.")] = "",
    id_attribute: Annotated[
        str, typer.Option(help="Never changes (AD: objectGUID).")
    ] = "entryUUID",
    user_attribute: Annotated[str, typer.Option(help="(AD: sAMAccountName.)")] = "uid",
    name_attribute: Annotated[str, typer.Option(help="What others see.")] = "cn",
    mail_attribute: Annotated[str, typer.Option(help="Where invitations go.")] = "mail",
    enable: Annotated[bool, typer.Option(help="Enable who is there and disabled here.")] = False,
    most_disabled: Annotated[
        int,
        typer.Option(help="Percent of imported people that may vanish at once.", min=0, max=100),
    ] = 10,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; else only say what.")] = False,
    domain: DomainOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Bring people of an LDAP directory here, and disable those who vanished there.

    Without --apply nothing changes. Nobody is deleted, and nobody gets a password.
    """
    from vestibule.directory.ldap_source import LdapAttributes, LdapSource, verifying_context  # noqa: PLC0415

    source = LdapSource(
        url=url,
        base=base,
        bind_dn=bind,
        password=_password(password_file),
        tls=verifying_context(ca.read_text() if ca else ""),
        filter=entries,
        group=group,
        attributes=LdapAttributes(id_attribute, user_attribute, name_attribute, mail_attribute),
    )

    async def act(workspace: Workspace) -> "Plan":
        plan = await _plan(workspace, source, domain, enable=enable)
        if plan.vanishes_too_much(most_disabled):
            fail(
                f"{len(plan.disable)} of {plan.kept_before} imported people would be disabled, more "
                f"than {most_disabled} %: is it the right base and filter? --most-disabled lets it"
            )
        if apply:
            await _carry_out(workspace, plan, domain)
        return plan

    _show(run(config, act), done=apply)


async def _plan(
    workspace: Workspace, source: "LdapSource", domain: str | None, *, enable: bool
) -> "Plan":
    from vestibule.directory.ldap_plan import SOURCE, plan_of  # noqa: PLC0415 - only here
    from vestibule.directory.ldap_source import LdapRefused  # noqa: PLC0415

    tenant = workspace.tenant(domain)
    try:
        found = await source.read()
    except LdapRefused as refused:
        fail(str(refused))
    return plan_of(
        found,
        workspace.directory.people_of(tenant.id),
        domain or tenant.domains[0],
        Provisioning(workspace.directory, SOURCE),
        enable=enable,
    )


async def _carry_out(workspace: Workspace, plan: "Plan", domain: str | None) -> None:
    from vestibule.directory.ldap_plan import SOURCE  # noqa: PLC0415 - only here

    tenant = workspace.tenant(domain)
    provisioning = Provisioning(workspace.directory, SOURCE)
    for user, kept in plan.add:
        await provisioning.add(tenant.id, user, domain or tenant.domains[0], kept)
    for person, kept in (*plan.change, *plan.disable):
        await provisioning.change(person, kept)


def _show(plan: "Plan", *, done: bool) -> None:
    rows = [("add", user, kept.display_name) for user, kept in plan.add]
    rows += [("change", person.user, kept.display_name) for person, kept in plan.change]
    rows += [("disable", person.user, "is not there any more") for person, _ in plan.disable]
    rows += [("skip", user, why) for user, why in plan.skipped]
    if rows:
        show_table(("act", "who", "what"), rows)
    counts = f"{len(plan.add)} added, {len(plan.change)} changed, {len(plan.disable)} disabled"
    say(counts if done else f"{counts} if you say --apply; nothing is changed yet")


def _password(file: Path) -> str:
    text = sys.stdin.read() if str(file) == "-" else file.read_text()
    return text.rstrip("\r\n") or fail("the password is empty")
