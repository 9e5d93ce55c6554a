"""Which certificates are servers', and by which names."""

from ipaddress import IPv4Address

import pytest
from cryptography import x509

from tests.certificates import CLIENT, SERVER, TestAuthority
from vestibule.edge.server_certificate import server_names

AUTHORITY = TestAuthority()
DNS, URI = x509.DNSName, x509.UniformResourceIdentifier
DEVICE = [URI("sip:alice@d.test"), URI("urn:uuid:1")]


@pytest.mark.parametrize(
    ("purposes", "names", "expected"),
    [
        ([CLIENT], DEVICE, None),
        ([CLIENT], [x509.RFC822Name("alice@d.test")], None),
        ([CLIENT], [], None),
        ([CLIENT, SERVER], DEVICE, set()),
        ([SERVER], [], set()),
        ([CLIENT], [DNS("A.Test")], {"a.test"}),
        ([CLIENT], [x509.IPAddress(IPv4Address("192.0.2.1"))], {"192.0.2.1"}),
        ([SERVER], [DNS("a.test"), DNS("b.test")], {"a.test", "b.test"}),
        ([SERVER], [URI("sip:D.test"), DNS("a.test")], {"d.test"}),
        ([SERVER], [URI("SIPS:d.test"), URI("sip:e.test")], {"d.test", "e.test"}),
        ([SERVER], [URI("sip:alice@d.test"), DNS("a.test")], {"a.test"}),
        ([SERVER], [URI("sip:d.test;transport=tls"), URI("https://d.test/")], set()),
        ([], [DNS("a.test")], {"a.test"}),
        ([], [], set()),
    ],
)
def test_names_of_servers(
    purposes: list[x509.ObjectIdentifier], names: list[x509.GeneralName], expected: set[str] | None
) -> None:
    assert server_names(AUTHORITY.issue(purposes=purposes, names=names).certificate) == expected


def test_without_alternative_names_it_has_none() -> None:
    assert server_names(AUTHORITY.root.certificate) == frozenset()
