"""`vestibule policy access`: who may sign in from where and with what."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import typer

from vestibule.cli.output import fail, say, show_table
from vestibule.cli.people import PersonArgument
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, DomainOption, Workspace, run
from vestibule.directory.conditional_access import (
    AccessRule,
    ClientKind,
    ConditionalAccess,
    Conditions,
    Country,
    Demand,
    Network,
    Risk,
)
from vestibule.directory.names import display_name
from vestibule.identity.conditional_access import Decision, Facts, applies, decide

app = typer.Typer(
    help="Conditional access: rules for signing in, and what they would decide.",
    no_args_is_help=True,
)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_CODE = re.compile(r"[A-Z]{2}")
_INSIDE = "inside"
NameArgument = Annotated[str, typer.Argument(help="What the rule is called, such as mfa-outside.")]


@app.command("list")
def list_rules(domain: DomainOption = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List the rules and the networks that they speak of."""

    async def act(workspace: Workspace) -> ConditionalAccess:
        return workspace.tenant(domain).policy.conditional_access

    access = run(config, act)
    rows = ((r.name, r.demand.value, _where(r.conditions), r.explanation) for r in access.rules)
    show_table(("rule", "demands", "where", "what people are told"), rows)
    networks = [(_INSIDE, " ".join(access.inside))] if access.inside else []
    networks += [(country.code, " ".join(country.networks)) for country in access.countries]
    if networks:
        say("")
        show_table(("name", "networks"), networks)


@app.command("add")
def add(
    name: NameArgument,
    demand: Annotated[Demand, typer.Argument(help="What it demands where it applies.")],
    *,
    network: Annotated[Network | None, typer.Option(help="Only inside or outside.")] = None,
    country: Annotated[list[str] | None, typer.Option(help="Only from these (DE).")] = None,
    except_country: Annotated[
        list[str] | None, typer.Option(help="Only from elsewhere than these.")
    ] = None,
    client: Annotated[
        ClientKind | None, typer.Option(help="Only with this kind of client.")
    ] = None,
    device_certificate: Annotated[
        bool | None, typer.Option(help="Only with, or without, a device's certificate.")
    ] = None,
    risk: Annotated[Risk | None, typer.Option(help="Only while somebody guesses, or not.")] = None,
    explain: Annotated[str, typer.Option(help="What a person is told whom it blocks.")] = "",
    domain: DomainOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a rule, or replace the one of that name. It applies where all its conditions hold.

    Of all rules that apply the strictest decides. Try it first: `vestibule policy access what-if`.
    """
    if not _NAME.fullmatch(name):
        fail("a rule's name has 1 to 40 of a-z, 0-9 and hyphen, such as mfa-outside")
    conditions = Conditions(
        network, _codes(country), _codes(except_country), client, device_certificate, risk
    )
    rule = AccessRule(name, demand, conditions, display_name(explain) if explain else "")

    def change(access: ConditionalAccess) -> ConditionalAccess:
        others = tuple(other for other in access.rules if other.name != name)
        return replace(access, rules=(*others, rule))

    _change(domain, config, change)
    say(f"{name}: {demand.value} where {_where(conditions)}")


@app.command("remove")
def remove(
    name: NameArgument, domain: DomainOption = None, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Remove a rule."""

    def change(access: ConditionalAccess) -> ConditionalAccess:
        rules = tuple(rule for rule in access.rules if rule.name != name)
        if len(rules) == len(access.rules):
            fail(f"there is no rule {name!r}: `vestibule policy access list` shows them")
        return replace(access, rules=rules)

    _change(domain, config, change)
    say(f"{name} is removed")


@app.command("network")
def network_of(
    name: Annotated[str, typer.Argument(help="`inside`, or a country's two letters.")],
    networks: Annotated[
        list[str] | None, typer.Argument(help="Its networks, such as 192.0.2.0/24; none: forget.")
    ] = None,
    domain: DomainOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say which networks are inside, or in a country. Replaces what was said before."""
    try:
        cidr = tuple(str(ipaddress.ip_network(one)) for one in networks or ())
    except ValueError as error:
        fail(str(error))

    def change(access: ConditionalAccess) -> ConditionalAccess:
        if name == _INSIDE:
            return replace(access, inside=cidr)
        (code,) = _codes([name])
        others = tuple(country for country in access.countries if country.code != code)
        return replace(access, countries=(*others, Country(code, cidr)) if cidr else others)

    _change(domain, config, change)
    say(f"{name}: {' '.join(cidr) or 'no networks'}")


@app.command("what-if")
def what_if(
    person: PersonArgument,
    *,
    source: Annotated[str, typer.Option("--from", help="The address that they come from.")],
    client: Annotated[ClientKind, typer.Option(help="With what.")] = ClientKind.WEB,
    mfa: Annotated[bool, typer.Option(help="A second factor is shown.")] = False,
    device_certificate: Annotated[bool, typer.Option(help="A device's certificate is.")] = False,
    risk: Annotated[Risk, typer.Option(help="High: somebody guesses.")] = Risk.LOW,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say how a sign-in would be decided, by which rule and why. Nobody is signed in."""
    try:
        address = str(ipaddress.ip_address(source))
    except ValueError as error:
        fail(str(error))

    async def act(workspace: Workspace) -> tuple[ConditionalAccess, Facts]:
        found = workspace.person(person)
        tenant = workspace.directory.tenant(found.tenant)
        access = tenant.policy.conditional_access if tenant else ConditionalAccess()
        facts = Facts(
            access.network_of(address), access.country_of(address), client, mfa,
            device_certificate, risk, found.break_glass,
        )  # fmt: skip
        return access, facts

    access, facts = run(config, act)
    _show_decision(access, facts, decide(access.rules, facts))


def _show_decision(access: ConditionalAccess, facts: Facts, decision: Decision) -> None:
    rows = [
        ("outcome", decision.outcome.value),
        ("rule", decision.rule or "none"),
        ("because", decision.why),
    ]
    if decision.explanation:
        rows.append(("people are told", decision.explanation))
    if decision.overridden:
        rows.append(("passed as emergency account", ", ".join(decision.overridden)))
    show_table(("question", "answer"), rows)
    say("")
    show_table(
        ("rule", "demands", "where", "applies"),
        (
            (r.name, r.demand.value, _where(r.conditions), _yes(applies(r.conditions, facts)))
            for r in access.rules
        ),
    )


def _change(
    domain: str | None,
    config: ConfigOption,
    change: Callable[[ConditionalAccess], ConditionalAccess],
) -> None:
    async def act(workspace: Workspace) -> None:
        tenant = workspace.tenant(domain)
        changed = change(tenant.policy.conditional_access)
        policy = replace(tenant.policy, conditional_access=changed)
        await workspace.directory.set_policy(tenant.id, policy)

    run(config, act)


def _codes(said: list[str] | None) -> tuple[str, ...]:
    codes = tuple(code.upper() for code in said or ())
    for code in codes:
        if not _CODE.fullmatch(code):
            fail(f"{code!r} is not a country's two letters, such as DE")
    return codes


def _where(conditions: Conditions) -> str:
    parts = [
        f"network {conditions.network}" if conditions.network else "",
        f"country {' or '.join(conditions.countries)}" if conditions.countries else "",
        f"country other than {', '.join(conditions.except_countries)}"
        if conditions.except_countries
        else "",
        f"client {conditions.client}" if conditions.client else "",
        {True: "device certificate", False: "no device certificate", None: ""}[
            conditions.device_certificate
        ],
        f"risk {conditions.risk}" if conditions.risk else "",
    ]
    return ", ".join(part for part in parts if part) or "everywhere"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
