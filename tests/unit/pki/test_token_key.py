"""The issuing key in a PKCS#11 token: it signs, it doesn't come out, and what is wrong is said (K9)."""

import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pkcs11
import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.clients.softhsm import MODULE, PIN, SoftHsm
from tests.unit.pki.deployment import CRL_BASE, NAMES
from vestibule.pki.authority import Authority
from vestibule.pki.token_key import TokenKey
from vestibule.pki.token_place import TokenPlace, TokenUnusable

_ECDSA = ec.ECDSA(hashes.SHA384())
_WRONG = "wrong-pin-0815"


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    """A token; the module reads its configuration when it is loaded, so the tests share it."""
    token = SoftHsm(tmp_path_factory.mktemp("softhsm"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in token.environment.items():
            patch.setenv(name, value)
        yield token
        pkcs11.unload(str(MODULE))


@pytest.fixture
def place(token: SoftHsm, request: pytest.FixtureRequest, tmp_path: Path) -> TokenPlace:
    """A key's place of the test's own, with a PIN file of its own."""
    pin_file = tmp_path / "pin"
    pin_file.touch(mode=0o600)
    pin_file.write_text(PIN + "\n")
    return replace(token.place(request.node.name), pin_file=pin_file)


def authority_in(folder: Path, place: TokenPlace) -> Authority:
    return Authority(folder / "pki", CRL_BASE, token=place)


def test_certificates_and_lists_are_signed_in_the_token(place: TokenPlace, tmp_path: Path) -> None:
    authority = authority_in(tmp_path, place)
    authority.create(NAMES)
    authority.issue_server(NAMES)
    authority.publish_crls([])
    assert not (authority.folder / "issuing.key").exists()
    root = x509.load_pem_x509_certificate(authority.authority_pem())
    leaf, issuing = x509.load_pem_x509_certificates(authority.server_identity()[0])
    issuing.verify_directly_issued_by(root)
    leaf.verify_directly_issued_by(issuing)
    public = issuing.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert x509.load_der_x509_crl(authority.crls_der()[1]).is_signature_valid(public)
    again = authority_in(tmp_path, place)
    assert again.issued(leaf)
    again.issue_server(NAMES)
    assert again.issued(x509.load_pem_x509_certificate(again.server_identity()[0]))


def test_many_threads_sign_at_a_time(place: TokenPlace) -> None:
    key = place.reach().make_key()
    with ThreadPoolExecutor(8) as pool:
        signatures = list(pool.map(lambda data: key.sign(data, _ECDSA), [b"x"] * 32))
    for signature in signatures:
        key.public_key().verify(signature, b"x", _ECDSA)


def test_the_key_does_not_come_out(place: TokenPlace) -> None:
    key = place.reach().make_key()
    refused: list[Callable[[], object]] = [
        key.private_numbers,
        lambda: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        lambda: key.exchange(ec.ECDH(), key.public_key()),
        lambda: key.sign(bytes(48), ec.ECDSA(Prehashed(hashes.SHA384()))),
    ]
    for act in refused:
        with pytest.raises(UnsupportedAlgorithm):
            act()
    session = pkcs11.lib(str(MODULE)).get_token(token_label=place.token).open(user_pin=PIN)
    with session:
        private = session.get_key(pkcs11.ObjectClass.PRIVATE_KEY, label=place.key)
        assert private[pkcs11.Attribute.SENSITIVE]
        assert private[pkcs11.Attribute.NEVER_EXTRACTABLE]
        with pytest.raises(pkcs11.AttributeSensitive):
            private[pkcs11.Attribute.VALUE]


def test_a_key_that_is_there_is_not_made_again(place: TokenPlace) -> None:
    first = place.reach().make_key()
    for act in (place.reach().make_key, place.reach().check_free):
        with pytest.raises(TokenUnusable, match="already"):
            act()
    assert place.reach().key().public_key() == first.public_key()
    assert (first.key_size, first.curve.name) == (384, "secp384r1")


def no_module(place: TokenPlace) -> TokenPlace:
    return replace(place, module=Path("/nowhere/module.so"))


def no_pkcs11_in_it(place: TokenPlace) -> TokenPlace:
    return replace(place, module=place.pin_file)


def no_token(place: TokenPlace) -> TokenPlace:
    return replace(place, token="another")


def no_key(place: TokenPlace) -> TokenPlace:
    return replace(place, key="another")


def wrong_pin(place: TokenPlace) -> TokenPlace:
    place.pin_file.write_text(_WRONG)
    return place


def empty_pin(place: TokenPlace) -> TokenPlace:
    place.pin_file.write_text("\n")
    return place


def open_pin(place: TokenPlace) -> TokenPlace:
    place.pin_file.chmod(0o640)
    return place


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (no_module, "module /nowhere/module.so can't be used"),
        (no_pkcs11_in_it, "can't be used"),
        (no_token, "knows no token 'another'"),
        (no_key, "has no elliptic-curve key 'another'"),
        (wrong_pin, "refuses the PIN in"),
        (empty_pin, "is empty"),
        (open_pin, "can be read by others: chmod 600"),
    ],
)
def test_what_is_wrong_is_said_without_the_pin(
    place: TokenPlace, spoil: Callable[[TokenPlace], TokenPlace], reason: str
) -> None:
    place.reach().make_key()
    with pytest.raises(OSError, match=reason) as caught:
        spoil(place).reach().key()
    told = "".join(traceback.format_exception(caught.value))
    assert PIN not in told
    assert _WRONG not in told


def test_without_the_library_it_says_what_to_install(
    place: TokenPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "vestibule.pki.token_key", raising=False)
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(TokenUnusable, match=r"vestibule\[pkcs11\]"):
        place.reach()


def change_pin(place: TokenPlace, old: str, new: str) -> None:
    token = pkcs11.lib(str(MODULE)).get_token(token_label=place.token)
    with token.open(rw=True, user_pin=old) as session:
        session.set_pin(old, new)


def test_a_wrong_pin_is_tried_once(place: TokenPlace) -> None:
    token = wrong_pin(place).reach()
    with pytest.raises(TokenUnusable, match="refuses the PIN"):
        token.make_key()
    change_pin(place, PIN, _WRONG)  # who asked the token now would be let in
    try:
        with pytest.raises(TokenUnusable, match="refuses the PIN"):
            token.make_key()
    finally:
        change_pin(place, _WRONG, PIN)
    place.pin_file.write_text(PIN)
    token.make_key()


def test_a_refusing_token_leaves_no_half_of_an_authority(place: TokenPlace, tmp_path: Path) -> None:
    authority = authority_in(tmp_path, wrong_pin(place))
    with pytest.raises(TokenUnusable):
        authority.create(NAMES)
    assert not authority.folder.exists()


def test_another_key_than_the_certificates_signs_nothing(place: TokenPlace, tmp_path: Path) -> None:
    authority_in(tmp_path, place).create(NAMES)
    other = replace(place, key=place.key + " other")
    other.reach().make_key()
    authority = authority_in(tmp_path, other)
    with pytest.raises(ValueError, match=r"the issuing key is not that of .*issuing.pem"):
        authority.issue_server(NAMES)
    before = (authority.folder / "issuing.pem").read_bytes()
    with pytest.raises(ValueError, match="the issuing key is not that of"):
        authority.renew_issuing(("new.test",))
    assert (authority.folder / "issuing.pem").read_bytes() == before


def test_a_wrong_signature_of_the_token_is_not_used() -> None:
    public = ec.generate_private_key(ec.SECP384R1()).public_key()
    with pytest.raises(TokenUnusable, match="doesn't fit"):
        TokenKey(public, lambda _: bytes([1] * 96)).sign(b"x", _ECDSA)
