"""A tenant's conditions for signing in, as the directory keeps them: rules, and networks with names.

What the rules mean is decided in `identity/conditional_access.py`.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Network(StrEnum):
    """Where a connection comes from, by the tenant's own list of networks."""

    INSIDE = "inside"
    OUTSIDE = "outside"


class ClientKind(StrEnum):
    """What somebody signs in with."""

    WEB = "web"
    PHONE = "phone"
    CLI = "cli"


class Risk(StrEnum):
    """Whether somebody has been guessing at the account."""

    LOW = "low"
    HIGH = "high"


class Demand(StrEnum):
    """What a rule does where it applies."""

    MFA = "need-mfa"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Conditions:
    """Where a rule applies: everywhere that all of these hold. None and () hold always.

    `countries` are two-letter codes; an address of no listed country is in none.
    """

    network: Network | None = None
    countries: tuple[str, ...] = ()
    except_countries: tuple[str, ...] = ()
    client: ClientKind | None = None
    device_certificate: bool | None = None
    risk: Risk | None = None


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One rule. `explanation` is told to a person whom it blocks."""

    name: str
    demand: Demand
    conditions: Conditions = field(default_factory=Conditions)
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Country:
    """The networks that the admin counts to a country."""

    code: str
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConditionalAccess:
    """All rules of a tenant, and what the words in them mean. Networks are CIDR."""

    rules: tuple[AccessRule, ...] = ()
    inside: tuple[str, ...] = ()
    countries: tuple[Country, ...] = ()

    def network_of(self, address: str) -> Network:
        """Inside, if one of the tenant's networks holds the address."""
        return Network.INSIDE if _holds(self.inside, address) else Network.OUTSIDE

    def country_of(self, address: str) -> str | None:
        """The first country whose networks hold the address."""
        found = (country.code for country in self.countries if _holds(country.networks, address))
        return next(found, None)


def conditional_access_from(stored: Mapping[str, Any]) -> ConditionalAccess:
    """What `dataclasses.asdict` made of it and JSON kept. Raises ValueError, KeyError."""
    return ConditionalAccess(
        rules=tuple(_rule(one) for one in stored.get("rules", ())),
        inside=tuple(stored.get("inside", ())),
        countries=tuple(
            Country(one["code"], tuple(one["networks"])) for one in stored.get("countries", ())
        ),
    )


def _rule(stored: Mapping[str, Any]) -> AccessRule:
    said = stored.get("conditions", {})
    network, client, risk = (said.get(name) for name in ("network", "client", "risk"))
    conditions = Conditions(
        network=Network(network) if network else None,
        countries=tuple(said.get("countries", ())),
        except_countries=tuple(said.get("except_countries", ())),
        client=ClientKind(client) if client else None,
        device_certificate=said.get("device_certificate"),
        risk=Risk(risk) if risk else None,
    )
    demand = Demand(stored["demand"])
    return AccessRule(stored["name"], demand, conditions, stored.get("explanation", ""))


def _holds(networks: tuple[str, ...], address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return any((mapped or parsed) in ipaddress.ip_network(network) for network in networks)
