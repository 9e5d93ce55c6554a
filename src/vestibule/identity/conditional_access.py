"""Conditional access (I5): a pure decision over facts, by the rules of a tenant.

All rules that apply are looked at and the strictest decides, so no order of rules can open what one
of them closes:

| a rule that applies says | MFA done | not done |
|---|---|---|
| block                    | block    | block    |
| need-mfa                 | allow    | need MFA |
| (none applies)           | allow    | allow    |

A break-glass account passes `block`, and `need-mfa` as well if it was set so.
"""

from dataclasses import dataclass
from enum import StrEnum

from vestibule.directory.conditional_access import (
    AccessRule,
    ClientKind,
    Conditions,
    Demand,
    Network,
    Risk,
)
from vestibule.directory.model import BreakGlass


class Outcome(StrEnum):
    """What follows."""

    ALLOW = "allow"
    NEED_MFA = "need-mfa"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision may depend on."""

    network: Network
    country: str | None
    client: ClientKind
    mfa: bool
    device_certificate: bool
    risk: Risk
    break_glass: BreakGlass = BreakGlass.NO


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows, by which rule (None: no rule stands in the way), and why.

    `explanation` is the admin's own word to the person. `overridden` names the rules that a
    break-glass account passed.
    """

    outcome: Outcome
    rule: str | None
    why: str
    explanation: str = ""
    overridden: tuple[str, ...] = ()


def decide(rules: tuple[AccessRule, ...], facts: Facts) -> Decision:
    """The strictest of what the rules say to these facts."""
    applying = [rule for rule in rules if applies(rule.conditions, facts)]
    overridden = tuple(rule.name for rule in applying if _exempt(rule.demand, facts))
    binding = [rule for rule in applying if not _exempt(rule.demand, facts)]
    for rule in binding:
        if rule.demand is Demand.BLOCK:
            return Decision(
                Outcome.BLOCK, rule.name, _because(rule, facts), rule.explanation, overridden
            )
    for rule in binding:
        outcome = Outcome.ALLOW if facts.mfa else Outcome.NEED_MFA
        return Decision(outcome, rule.name, _because(rule, facts), rule.explanation, overridden)
    why = "the account is for emergencies" if overridden else "no rule applies"
    return Decision(Outcome.ALLOW, None, why, overridden=overridden)


def applies(conditions: Conditions, facts: Facts) -> bool:
    """Whether all conditions hold."""
    return all(holds for holds, _ in _checked(conditions, facts))


def _exempt(demand: Demand, facts: Facts) -> bool:
    if facts.break_glass is BreakGlass.EVERYTHING:
        return True
    return facts.break_glass is BreakGlass.BLOCKS and demand is Demand.BLOCK


def _checked(conditions: Conditions, facts: Facts) -> list[tuple[bool, str]]:
    """Each condition that is set: whether it holds, and the fact in words."""
    country = facts.country or "none that is listed"
    certificate = "shown" if facts.device_certificate else "not shown"
    checks = (
        (conditions.network, facts.network is conditions.network, f"network {facts.network}"),
        (conditions.countries, facts.country in conditions.countries, f"country {country}"),
        (
            conditions.except_countries,
            facts.country not in conditions.except_countries,
            f"country {country}",
        ),
        (conditions.client, facts.client is conditions.client, f"client {facts.client}"),
        (
            conditions.device_certificate,
            facts.device_certificate is conditions.device_certificate,
            f"device certificate {certificate}",
        ),
        (conditions.risk, facts.risk is conditions.risk, f"risk {facts.risk}"),
    )
    return [(holds, words) for wanted, holds, words in checks if wanted not in (None, ())]


def _because(rule: AccessRule, facts: Facts) -> str:
    words = list(dict.fromkeys(words for _, words in _checked(rule.conditions, facts)))
    if rule.demand is Demand.MFA:
        words.append("second factor shown" if facts.mfa else "second factor not shown")
    return ", ".join(words) or "it applies to every sign-in"
