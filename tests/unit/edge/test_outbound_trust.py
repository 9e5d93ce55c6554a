"""Whom we believe when we fetch: where the authorities come from, and what is no TLS at all."""

from pathlib import Path

import pytest

from tests.certificates import TestAuthority
from vestibule._native import OutboundTls, TlsRefused
from vestibule.edge.outbound_trust import system_authorities

PLACES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def test_authorities_are_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = TestAuthority("First").root_pem, TestAuthority("Second").root_pem
    file, folder = tmp_path / "all.pem", tmp_path / "certs"
    folder.mkdir()
    for place in PLACES:
        monkeypatch.setenv(place, str(tmp_path / "nowhere"))
    assert system_authorities() == b""
    (folder / "a.pem").write_bytes(first)
    (folder / "hash.0").symlink_to(folder / "a.pem")  # as `openssl rehash` makes them
    (folder / "b.pem").write_bytes(second)
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    assert system_authorities() == first + b"\n" + second
    file.write_bytes(first)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert system_authorities() == first


def test_records_that_are_none_are_refused_and_told() -> None:
    line = OutboundTls(b"", []).connect("a.test")
    assert line.is_handshaking
    assert line.outgoing()[0] == 22  # a handshake record, RFC 8446 section 5.1
    with pytest.raises(TlsRefused) as refused:
        line.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert refused.value.args[1] == ""
    assert line.outgoing()[0] == 21  # an alert


@pytest.mark.parametrize("host", ["", "not a name", "a..test", "-"])
def test_a_host_must_be_one(host: str) -> None:
    with pytest.raises(TlsRefused):
        OutboundTls(b"", []).connect(host)


def test_what_is_no_pem_or_list_is_named() -> None:
    for roots, lists in ((b"-----BEGIN CERTIFICATE-----\n!\n", []), (b"", [b"junk"])):
        with pytest.raises(ValueError, match=r"readable|usable"):
            OutboundTls(roots, lists)
