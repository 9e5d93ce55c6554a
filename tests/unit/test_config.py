"""Settings: what is read, and what is refused with a reason (E1)."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from vestibule.config import Settings, load_settings

NEEDED = 'data_dir = "data"\nhost = "meet.example.org"\ndomains = ["example.org"]\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vestibule.toml"


def load(file: Path, text: str = "") -> Settings:
    file.write_text(NEEDED + text)
    return load_settings(file)


def refusal(file: Path, text: str) -> str:
    with pytest.raises(ValidationError) as caught:
        load(file, text)
    return str(caught.value)


def test_what_is_not_named_has_its_default(file: Path) -> None:
    settings = load(file)
    assert settings.web_origin == "https://meet.example.org"
    assert settings.issuer == "https://meet.example.org/identity"
    assert settings.sip_websocket == "wss://meet.example.org/sip"
    assert settings.crl_base == "https://meet.example.org/pki"
    assert settings.data_dir == file.parent / "data"
    assert settings.database_url == f"sqlite:///{file.parent}/data/vestibule.db"


def test_the_environment_goes_before_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESTIBULE_HTTPS_PORT", "8443")
    monkeypatch.setenv("VESTIBULE_DOMAINS", "a.example, b.example")
    monkeypatch.setenv("VESTIBULE_CONFIG", str(file))
    settings = load(file, "https_port = 443")
    assert settings.web_origin == "https://meet.example.org:8443"
    assert settings.domains == ("a.example", "b.example")


@pytest.mark.parametrize(
    "key", ["sip_udp_port", "sip_tcp_port", "plaintext", "allow_insecure", "http_port"]
)
def test_a_plaintext_listener_is_refused_with_the_reason(file: Path, key: str) -> None:
    message = refusal(file, f"{key} = 5060")
    assert key in message
    assert "a plaintext listener can't be configured" in message


def test_an_unknown_key_is_refused(file: Path) -> None:
    assert "https_prot: there is no such setting" in refusal(file, "https_prot = 8443")


def test_an_unknown_environment_variable_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESTIBULE_SIP_UDP_PORT", "5060")
    assert "a plaintext listener can't be configured" in refusal(file, "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("media_port_low = 60000", "media_port_low is above"),
        ("turn_ports = [50001]", "among the media ports"),
        ("https_port = 5061", "must differ"),
        ("https_port = 0", "greater than or equal to 1"),
        ('bind = "eth0"', "not an IP address"),
        ('relay_peers = ["10.0.0.1/8"]', "host bits"),
        ('database = "mysql://x/y"', "use postgresql"),
        ('database = "postgresql://db.example/v"', "verified TLS only"),
        ('database = "postgresql://db.example/v?sslmode=require"', "verified TLS only"),
    ],
)
def test_what_cannot_work_is_refused(file: Path, text: str, reason: str) -> None:
    assert reason in refusal(file, text)


@pytest.mark.parametrize("host", ["a b", "https://x", "x:443", "a_b", "", "x/y", "-x"])
def test_a_host_that_is_none_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(ValidationError, match="not a host or domain name"):
        Settings(data_dir=tmp_path, host=host, domains=("example.org",))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///v",
        "postgresql://v@127.0.0.1/v",
        "postgresql://v@[::1]/v",
        "postgresql:///v?host=/run/postgresql",
        "postgresql://v@db.example/v?sslmode=verify-full",
    ],
)
def test_a_database_here_or_behind_verified_tls_is_fine(tmp_path: Path, url: str) -> None:
    settings = Settings(data_dir=tmp_path, host="h", domains=("example.org",), database=url)
    assert settings.database_url == url


def test_a_databases_password_is_shown_nowhere(tmp_path: Path) -> None:
    url = "postgresql://v:very-secret@127.0.0.1/v"
    settings = Settings(data_dir=tmp_path, host="h", domains=("example.org",), database=url)
    assert "very-secret" not in repr(settings)
    with pytest.raises(ValidationError) as caught:
        Settings(
            data_dir=tmp_path, host="h", domains=("example.org",),
            database="postgresql://v:very-secret@db.example/v",
        )  # fmt: skip
    assert "very-secret" not in str(caught.value)


def test_an_ipv6_host_stands_in_brackets(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, host="2001:DB8::1", domains=("example.org",))
    assert settings.web_origin == "https://[2001:db8::1]"
    assert settings.advertised_media_address == "2001:db8::1"


def test_media_need_an_address(tmp_path: Path) -> None:
    named = Settings(data_dir=tmp_path, host="meet.example.org", domains=("example.org",))
    with pytest.raises(ValueError, match="media_address must be set"):
        _ = named.advertised_media_address
    bound = named.model_copy(update={"bind": "192.0.2.1"})
    assert bound.advertised_media_address == "192.0.2.1"


def test_settings_are_frozen(file: Path) -> None:
    settings = load(file)
    with pytest.raises(ValidationError):
        settings.https_port = 1  # type: ignore[misc]


def test_a_missing_file_says_what_to_do(file: Path) -> None:
    with pytest.raises(FileNotFoundError, match="vestibule init"):
        load_settings(file)


def test_every_key_is_documented() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("seconds", [0, 28_801])
def test_an_association_lives_eight_hours_at_most(file: Path, seconds: int) -> None:
    assert load(file).association_seconds == 28_800
    assert load(file, "association_seconds = 60\n").association_seconds == 60
    assert "association_seconds" in refusal(file, f"association_seconds = {seconds}\n")


ACME = 'acme_directory = "https://acme.example/directory"\n'
AGREED = ACME + "acme_terms_agreed = true\n"


def test_a_public_authority_is_asked_for_the_host_once_its_terms_are_agreed(file: Path) -> None:
    assert load(file).acme_directory is None
    settings = load(file, AGREED)
    assert settings.public_names == ("meet.example.org",)
    settings = load(file, AGREED + 'acme_names = ["Meet.example.org", "example.org"]')
    assert settings.public_names == ("meet.example.org", "example.org")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ACME, "terms of service"),
        (AGREED.replace("https:", "http:"), "https:// URL"),
        (AGREED + 'acme_names = ["192.0.2.1"]', "no public DNS name"),
        (AGREED + 'acme_names = ["localhost"]', "no public DNS name"),
        (AGREED + 'acme_names = ["*.example.org"]', "not a host or domain name"),
        (AGREED + "acme_challenge_port = 443", "must differ"),
        (AGREED + 'acme_contact = "no mail"', "not a mail address"),
    ],
)
def test_what_acme_cannot_do_is_refused(file: Path, text: str, reason: str) -> None:
    assert reason in refusal(file, text)


def test_acme_needs_a_name_that_is_public(file: Path) -> None:
    file.write_text(NEEDED.replace("meet.example.org", "192.0.2.1") + AGREED)
    with pytest.raises(ValidationError, match="no public DNS name"):
        load_settings(file)


TOKEN = """
pkcs11_module = "/usr/lib/softhsm/libsofthsm2.so"
pkcs11_token = "vestibule"
pkcs11_key = "issuing"
pkcs11_pin_file = "/etc/vestibule/token.pin"
"""


def test_the_issuing_key_is_in_a_token_if_all_about_it_is_said(file: Path) -> None:
    assert load(file).issuing_token is None
    token = load(file, TOKEN).issuing_token
    assert token is not None
    assert (token.token, token.key) == ("vestibule", "issuing")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('pkcs11_key = "issuing"\n', "", "go together"),
        ('"issuing"', '""', "go together"),
        ("/etc/vestibule/", "", "whole path"),
        ("/usr/lib/softhsm/", "", "whole path"),
        ("pkcs11_pin_file", "pkcs11_pin", "no such setting"),
    ],
)
def test_half_a_token_is_refused(file: Path, old: str, new: str, reason: str) -> None:
    assert reason in refusal(file, TOKEN.replace(old, new))
