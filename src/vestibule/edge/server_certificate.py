"""Whether a client's certificate is a server's, and which (K8; RFC 5922 section 7)."""

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID


class UntrustedServer(Exception):
    """It proved to be a server of these names, none of which is on the list."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(names)) or "without a name")
        self.names = names


def server_names(certificate: x509.Certificate) -> frozenset[str] | None:
    """The names that it speaks for as a server, in lower case; None if it isn't a server's.

    A server's is one that is for servers, or for a host, an address or a whole SIP domain. If it
    is for SIP domains, then for nothing else (RFC 5922 section 7.1). A person's or device's names
    neither. Raises ValueError if its extensions can't be read.
    """
    names = _alternative_names(certificate)
    uris = names.get_values_for_type(x509.UniformResourceIdentifier) if names else []
    domains = frozenset(domain for uri in uris if (domain := _sip_domain(uri)))
    hosts = frozenset(
        (
            *(name.lower() for name in (names.get_values_for_type(x509.DNSName) if names else ())),
            *map(str, names.get_values_for_type(x509.IPAddress) if names else ()),
        )
    )
    if not domains and not hosts and not _is_for_servers(certificate):
        return None
    return domains or hosts


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _is_for_servers(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return (
            True  # the edge lets none in that has no purpose: whatever it is, it isn't a person's
        )
    return ExtendedKeyUsageOID.SERVER_AUTH in usage


def _sip_domain(uri: str) -> str:
    """The domain of `sip:DOMAIN`; empty for anything else, such as a person's address."""
    scheme, _, rest = uri.partition(":")
    plain = scheme.lower() in {"sip", "sips"} and not set(rest) & set("@;?:/")
    return rest.lower() if plain else ""
