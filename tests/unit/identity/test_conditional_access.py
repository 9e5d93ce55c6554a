"""Conditional access as a table: the strictest rule that applies decides (I5)."""

import itertools
from dataclasses import asdict, replace

import pytest

from vestibule.directory.conditional_access import (
    AccessRule,
    ClientKind,
    ConditionalAccess,
    Conditions,
    Country,
    Demand,
    Network,
    Risk,
    conditional_access_from,
)
from vestibule.directory.model import BreakGlass
from vestibule.identity.conditional_access import Decision, Facts, Outcome, applies, decide

OUTSIDE_WEB = Facts(
    network=Network.OUTSIDE,
    country="DE",
    client=ClientKind.WEB,
    mfa=False,
    device_certificate=False,
    risk=Risk.LOW,
)
ALL_FACTS = [
    Facts(*values)
    for values in itertools.product(
        Network, ("DE", "US", None), ClientKind, (True, False), (True, False), Risk, BreakGlass
    )
]
ALL_CONDITIONS = [
    Conditions(*values)
    for values in itertools.product(
        (None, *Network), ((), ("DE", "FR")), ((), ("DE",)), (None, *ClientKind),
        (None, True, False), (None, *Risk),
    )
]  # fmt: skip
MFA, BLOCK = AccessRule("mfa", Demand.MFA), AccessRule("shut", Demand.BLOCK)


def expected(demands: set[Demand], facts: Facts) -> Outcome:
    """The table of the module's docstring, written down anew."""
    if facts.break_glass is BreakGlass.EVERYTHING:
        demands = set()
    if facts.break_glass is BreakGlass.BLOCKS:
        demands = demands - {Demand.BLOCK}
    if Demand.BLOCK in demands:
        return Outcome.BLOCK
    return Outcome.NEED_MFA if Demand.MFA in demands and not facts.mfa else Outcome.ALLOW


@pytest.mark.parametrize(
    "rules", [(), (MFA,), (BLOCK,), (MFA, BLOCK), (BLOCK, MFA), (MFA, MFA, BLOCK)]
)
def test_the_strictest_demand_decides_whatever_the_facts(rules: tuple[AccessRule, ...]) -> None:
    for facts in ALL_FACTS:
        demands = {rule.demand for rule in rules}
        assert decide(rules, facts).outcome is expected(demands, facts), facts


def test_a_rule_applies_where_each_condition_that_it_names_holds() -> None:
    for conditions, facts in itertools.product(ALL_CONDITIONS, ALL_FACTS[::7]):
        holds = (
            conditions.network in (None, facts.network)
            and (not conditions.countries or facts.country in conditions.countries)
            and facts.country not in conditions.except_countries
            and conditions.client in (None, facts.client)
            and conditions.device_certificate in (None, facts.device_certificate)
            and conditions.risk in (None, facts.risk)
        )
        assert applies(conditions, facts) is holds, (conditions, facts)


def test_a_rule_that_doesn_t_apply_demands_nothing() -> None:
    rule = AccessRule("inside", Demand.BLOCK, Conditions(network=Network.INSIDE))
    assert decide((rule,), OUTSIDE_WEB) == Decision(Outcome.ALLOW, None, "no rule applies")


def test_the_decision_names_the_rule_and_the_facts_behind_it() -> None:
    conditions = Conditions(network=Network.OUTSIDE, device_certificate=False)
    rule = AccessRule("no-strange-devices", Demand.BLOCK, conditions, "Use the office laptop.")
    decision = decide((MFA, rule), OUTSIDE_WEB)
    assert decision.rule == "no-strange-devices"
    assert decision.why == "network outside, device certificate not shown"
    assert decision.explanation == "Use the office laptop."


def test_a_satisfied_demand_is_still_named() -> None:
    decision = decide((MFA,), replace(OUTSIDE_WEB, mfa=True))
    assert (decision.outcome, decision.rule) == (Outcome.ALLOW, "mfa")
    assert "second factor shown" in decision.why


def test_a_country_that_nobody_listed_is_outside_of_all() -> None:
    rule = AccessRule("home", Demand.BLOCK, Conditions(except_countries=("DE",)))
    assert decide((rule,), replace(OUTSIDE_WEB, country=None)).outcome is Outcome.BLOCK
    assert decide((rule,), OUTSIDE_WEB).outcome is Outcome.ALLOW


def test_break_glass_passes_blocks_but_not_mfa_and_says_what_it_passed() -> None:
    facts = replace(OUTSIDE_WEB, break_glass=BreakGlass.BLOCKS)
    decision = decide((BLOCK, MFA), facts)
    assert decision.outcome is Outcome.NEED_MFA
    assert decision.overridden == ("shut",)


def test_break_glass_set_so_passes_everything() -> None:
    facts = replace(OUTSIDE_WEB, break_glass=BreakGlass.EVERYTHING)
    decision = decide((BLOCK, MFA), facts)
    assert (decision.outcome, decision.overridden) == (Outcome.ALLOW, ("shut", "mfa"))


@pytest.mark.parametrize(
    ("address", "network", "country"),
    [
        ("10.1.2.3", Network.INSIDE, None),
        ("::ffff:10.1.2.3", Network.INSIDE, None),
        ("2001:db8:1::9", Network.INSIDE, "DE"),
        ("192.0.2.7", Network.OUTSIDE, "FR"),
        ("198.51.100.1", Network.OUTSIDE, None),
        ("", Network.OUTSIDE, None),
        ("not an address", Network.OUTSIDE, None),
    ],
)
def test_addresses_are_sorted_by_the_tenant_s_own_networks(
    address: str, network: Network, country: str | None
) -> None:
    access = ConditionalAccess(
        inside=("10.0.0.0/8", "2001:db8:1::/48"),
        countries=(Country("DE", ("2001:db8::/32",)), Country("FR", ("192.0.2.0/24",))),
    )
    assert access.network_of(address) is network
    assert access.country_of(address) == country


def test_what_is_stored_comes_back_whole() -> None:
    rules = (
        AccessRule("all", Demand.MFA),
        AccessRule(
            "some",
            Demand.BLOCK,
            Conditions(Network.OUTSIDE, ("US",), ("DE",), ClientKind.CLI, True, Risk.HIGH),
            "Nein.",
        ),
    )
    access = ConditionalAccess(rules, ("10.0.0.0/8",), (Country("DE", ("192.0.2.0/24",)),))
    assert conditional_access_from(asdict(access)) == access
    assert conditional_access_from({}) == ConditionalAccess()
