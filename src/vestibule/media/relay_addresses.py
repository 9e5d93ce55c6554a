"""Where the relay listens and which addresses it gives out."""

from dataclasses import dataclass
from ipaddress import ip_address


@dataclass(frozen=True, slots=True)
class RelayAddresses:
    """`bind`: of its sockets; `advertise`: where peers are told to send. The second of each, if any, is IPv6."""

    bind: tuple[str, ...]
    advertise: tuple[str, ...]


def relay_addresses(bind: str, relayed: str, ipv6: str | None) -> RelayAddresses:
    """For a server bound to `bind` whose relayed addresses are `relayed` and perhaps `ipv6`.

    A UDP socket is of one family here: where `bind` is unspecified, each family gets one of its own.
    """
    advertise = (relayed,) if ipv6 is None else (relayed, ipv6)
    if not ip_address(bind).is_unspecified:
        return RelayAddresses((bind,) if ipv6 is None else (bind, ipv6), advertise)
    first = "::" if ":" in relayed else "0.0.0.0"  # noqa: S104 - as `bind` says
    return RelayAddresses((first,) if ipv6 is None else (first, "::"), advertise)
