"""Which names our issuing authority may sign for (RFC 5280 section 4.2.1.10).

People import our root into browsers. Whoever steals the issuing key must not be able to make a
certificate for their bank: DNS names are limited to ours and what lies below them, addresses to
private networks and ours. URIs, by which devices are named, are not limited: verifiers treat such
constraints too differently, and only we ask for them.
"""

import ipaddress
from collections.abc import Iterable, Sequence

from cryptography import x509

_PRIVATE = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
    "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128",
)  # fmt: skip


def name_constraints(names: Sequence[str]) -> x509.NameConstraints:
    """Permit these DNS names and addresses, and what every installation may have."""
    networks = [*_PRIVATE]
    domains = []
    for name in names:
        try:
            networks.append(str(ipaddress.ip_network(name)))
        except ValueError:
            domains.append(name.lower())
    subtrees: list[x509.GeneralName] = [x509.DNSName(domain) for domain in dict.fromkeys(domains)]
    if not domains:  # no subtree of a kind would permit all of it; RFC 6761 keeps this one empty
        subtrees.append(x509.DNSName("invalid"))
    subtrees += [x509.IPAddress(ipaddress.ip_network(one)) for one in dict.fromkeys(networks)]
    return x509.NameConstraints(subtrees, None)


def not_permitted(issuing: x509.Certificate, names: Iterable[str]) -> list[str]:
    """Those of the names that the authority may not sign for; all, if it isn't limited at all."""
    try:
        found = issuing.extensions.get_extension_for_class(x509.NameConstraints)
    except x509.ExtensionNotFound:
        return list(names)
    subtrees = [tree.value for tree in found.value.permitted_subtrees or ()]
    return [name for name in names if not any(_lies_in(name, tree) for tree in subtrees)]


def _lies_in(name: str, subtree: object) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return isinstance(subtree, str) and f".{name.lower()}".endswith(f".{subtree}")
    network = isinstance(subtree, ipaddress.IPv4Network | ipaddress.IPv6Network)
    return network and address in subtree  # type: ignore[operator]
