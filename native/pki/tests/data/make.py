"""Makes the files of this folder anew: `PYTHONPATH=. python native/pki/tests/data/make.py`.

They are good from a day before the moment in `made` for 30 days, CRLs for 7.
"""

import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from tests.certificates import (
    ANY,
    AUTHORITY,
    CLIENT,
    DAY,
    SERVER,
    Credential,
    Shape,
    TestAuthority,
    key_usage,
    revocation_list,
)  # fmt: skip

HERE = Path(__file__).parent
OURS = TestAuthority()
IMPOSTOR = TestAuthority()
PEER = Shape(usage=key_usage(signs=True))
ELSEWHERE = [x509.UniformResourceIdentifier("https://crl.test/elsewhere.crl")]
DNS = x509.DNSName
URI = x509.UniformResourceIdentifier


def peer(**changes: object) -> Credential:
    """A client's certificate with these changes to its shape."""
    values = {name: getattr(PEER, name) for name in PEER.__slots__} | changes
    return OURS.issue(purposes=[CLIENT], names=[URI("sip:a@ours.test")], shape=Shape(**values))


def point(**changes: object) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """An issuing distribution point with these fields."""
    values = {
        "full_name": None, "relative_name": None, "only_contains_user_certs": False,
        "only_contains_ca_certs": False, "only_some_reasons": None, "indirect_crl": False,
        "only_contains_attribute_certs": False,
    } | changes  # fmt: skip
    return ((x509.IssuingDistributionPoint(**values), True),)


def server(*names: x509.GeneralName, common_name: str = "peer") -> Credential:
    """A server's certificate for these names."""
    return OURS.issue(purposes=[SERVER], names=names, common_name=common_name)


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
CONSTRAINTS = x509.NameConstraints([DNS("ours.test")], None)
REVOKED = OURS.client("sip:a@ours.test")
MUTE = TestAuthority("Mute", root=Shape(ends=AUTHORITY.ends, usage=key_usage(certificates=True),
                                        basic=AUTHORITY.basic))  # fmt: skip
BRIEF = TestAuthority("Brief", root=Shape(ends=10 * DAY, usage=AUTHORITY.usage,
                                          basic=AUTHORITY.basic))  # fmt: skip
SHORT = TestAuthority("Short", root=Shape(ends=AUTHORITY.ends, usage=AUTHORITY.usage,
                                          basic=x509.BasicConstraints(True, 0)))  # fmt: skip

CERTIFICATES = {
    "root": OURS.root, "issuer": OURS.issuer, "revoked": REVOKED,
    "mute_root": MUTE.root, "mute_issuer": MUTE.issuer, "mute_client": MUTE.client("sip:a@b.test"),
    "brief_root": BRIEF.root, "brief_issuer": BRIEF.issuer,
    "brief_client": BRIEF.client("sip:a@b.test"),
    "short_root": SHORT.root, "short_issuer": SHORT.issuer,
    "short_client": SHORT.client("sip:a@b.test"),
    "client": OURS.client("sip:a@ours.test"),
    "server": server(DNS("edge.test"), DNS("*.wild.test")),
    "domain": server(URI("sip:example.org"), DNS("sip.example.org")),
    "domain_by_dns": server(DNS("example.org"), DNS("*.example.org")),
    "domain_by_common_name": server(DNS("other.org"), common_name="example.org"),
    "person": server(URI("sip:alice@example.org"), DNS("other.org")),
    "no_purpose": OURS.issue(names=[DNS("edge.test")]),
    "any_purpose": OURS.issue(purposes=[ANY]),
    "client_and_any": OURS.issue(purposes=[CLIENT, ANY]),
    "signs_certificates": peer(usage=key_usage(signs=True, certificates=True)),
    "does_not_sign": peer(usage=key_usage(lists=True)),
    "constrains": peer(extras=[(CONSTRAINTS, True)]),
    "authority": peer(basic=AUTHORITY.basic),
    "unknown_extension": peer(extras=[(UNKNOWN, True)]),
    "no_points": peer(points=()),
    "elsewhere": peer(points=["https://crl.test/elsewhere.crl"]),
    "weak_rsa": peer(key=rsa.generate_private_key(65537, 1024)),  # noqa: S505
    "underscore": server(DNS("under_score.test")),
    "disguised": server(DNS("edge.test"), common_name="0x7f.1"),
}  # fmt: skip
LISTS = {
    "issuer": OURS.crls(REVOKED)[0], "root": OURS.crls()[1],
    "issuer_revoked": OURS.crls(of_root=[OURS.issuer])[1],
    "forged": revocation_list(OURS.issuer, signer=IMPOSTOR.issuer),
    "no_number": revocation_list(OURS.issuer, number=None),
    "critical_number": revocation_list(OURS.issuer, number_critical=True),
    "delta": revocation_list(OURS.issuer, extras=[(x509.DeltaCRLIndicator(1), True)]),
    "indirect": revocation_list(OURS.issuer, extras=point(indirect_crl=True)),
    "attributes": revocation_list(OURS.issuer, extras=point(only_contains_attribute_certs=True)),
    "unknown_extension": revocation_list(OURS.issuer, extras=[(UNKNOWN, True)]),
    "elsewhere": revocation_list(OURS.issuer, extras=point(full_name=ELSEWHERE)),
    "authorities": revocation_list(OURS.issuer, extras=point(only_contains_ca_certs=True)),
    "peers": revocation_list(OURS.issuer, extras=point(only_contains_user_certs=True)),
    "stale": revocation_list(OURS.issuer, [REVOKED], ends=-DAY),
    "tomorrow": revocation_list(OURS.issuer, begins=DAY),
    "mute_issuer": MUTE.crls()[0], "mute_root": MUTE.crls()[1],
    "short_issuer": SHORT.crls()[0], "short_root": SHORT.crls()[1],
    "brief_issuer": revocation_list(BRIEF.issuer, ends=20 * DAY),
    "brief_root": revocation_list(BRIEF.root, ends=20 * DAY),
}  # fmt: skip

for old in [*HERE.glob("*.der"), *HERE.glob("*.crl")]:
    old.unlink()
for name, credential in CERTIFICATES.items():
    (HERE / f"{name}.der").write_bytes(credential.certificate.public_bytes(Encoding.DER))
for name, der in LISTS.items():
    (HERE / f"{name}.crl").write_bytes(der)
(HERE / "made").write_text(f"{int(time.time())}\n")
