"""Where an outbound connection may go: public addresses, and networks that an admin lists.

A name in somebody's certificate, feed or link must not make us talk to ourselves, to our network or
to a cloud's metadata service. An address that carries another (IPv4-mapped) is judged as that one;
the kinds that hide one from a router (6to4, Teredo, NAT64) are never good.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Beyond what `ipaddress` calls not global (IANA's special-purpose registries, RFC 6890).
_NEVER_V4 = tuple(
    map(
        IPv4Network,
        (
            "192.88.99.0/24",  # 6to4 relays, RFC 7526
            "192.0.0.0/24",  # protocol assignments; some of them are global to `ipaddress`
        ),
    )
)
_NEVER_V6 = tuple(
    map(
        IPv6Network,
        (
            "2002::/16",  # 6to4, RFC 3056
            "2001::/23",  # protocol assignments, Teredo (RFC 4380) among them
            "64:ff9b::/96",  # NAT64, RFC 6052
            "64:ff9b:1::/48",  # NAT64 of one's own, RFC 8215
            "::/96",  # IPv4-compatible, RFC 4291
            "fec0::/10",  # site-local, RFC 3879
            "5f00::/16",  # segment routing, RFC 9602
            "3fff::/20",  # documentation, RFC 9637
        ),
    )
)


class OutboundPolicy:
    """Which addresses may be connected to. `allowed` are networks such as 10.1.0.0/16."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = tuple(ip_network(network) for network in allowed)

    def permits(self, address: Address) -> bool:
        """Whether that address is public, or listed."""
        address = canonical(address)
        return is_public(address) or any(
            address.version == network.version and address in network for network in self._allowed
        )


def canonical(address: Address | str) -> Address:
    """The address itself: without a scope, and as IPv4 if it is that in IPv6's clothes."""
    if isinstance(address, str):
        address = ip_address(address.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_public(address: Address) -> bool:
    """Whether a canonical address is anybody's on the Internet."""
    never = _NEVER_V4 if isinstance(address, IPv4Address) else _NEVER_V6
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    local = address.is_loopback or address.is_link_local or address.is_private
    return (
        address.is_global
        and not special
        and not local
        and not any(address in network for network in never)
    )
