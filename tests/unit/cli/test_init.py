"""`vestibule init` makes an installation once, and says what to do next."""

import re
import stat
import tomllib
from pathlib import Path

import pytest

from tests.unit.cli.installation import Installation, password_in
from vestibule.config import Settings, load_settings


def test_it_makes_everything_that_serve_needs(empty: Installation) -> None:
    said = empty.init()
    assert "vestibule serve" in said
    assert "sip:admin@example.org" in said
    assert password_in(said)
    assert load_settings(empty.config).data_dir == empty.data
    files = {path.name for path in (empty.data / "pki").iterdir()}
    assert {"root.key", "issuing.key", "server.key", "server.pem", "issuing.crl"} <= files


def test_secrets_are_for_the_owner_only(installation: Installation) -> None:
    paths = [installation.data, installation.data / "pki", installation.config]
    paths += [installation.data / "vestibule.db", *(installation.data / "pki").glob("*.key")]
    assert [path for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_a_second_init_replaces_nothing(installation: Installation) -> None:
    before = installation.do("cert", "show")
    assert "is there already" in installation.refusal(
        "init", "--host", "x", "--domain", "x.test", "--data", str(installation.data)
    )
    installation.config.unlink()
    assert "there is an installation" in installation.refusal(
        "init", "--host", "x", "--domain", "x.test", "--data", str(installation.data)
    )
    installation.config.write_text(
        f'data_dir = "{installation.data}"\nhost = "x"\ndomains = ["x.test"]\n'
    )
    assert installation.do("cert", "show") == before


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--host", "a b", "--domain", "x.test"), "not a host or domain name"),
        (("--host", "x.test", "--domain", "https://x"), "not a host or domain name"),
        (("--host", "x.test", "--domain", "x.test", "--admin", "a b"), "can't be a user name"),
    ],
)
def test_a_name_that_cannot_be_leaves_nothing_behind(
    empty: Installation, options: tuple[str, ...], reason: str
) -> None:
    assert reason in empty.refusal("init", *options, "--data", str(empty.data))
    assert not empty.data.exists()
    assert not empty.config.exists()


def test_the_configuration_names_and_explains_every_key(installation: Installation) -> None:
    text = installation.config.read_text()
    for key, field in Settings.model_fields.items():
        assert f"# {field.description}" in text
        assert f"{key} = " in text


def test_every_key_of_the_configuration_can_be_turned_on(
    installation: Installation, tmp_path: Path
) -> None:
    text = re.sub(r"^# (\w+ = )", r"\1", installation.config.read_text(), flags=re.MULTILINE)
    assert set(tomllib.loads(text)) == set(Settings.model_fields)
    full = tmp_path / "full.toml"
    full.write_text(text)
    assert load_settings(full).log_json is True


def test_a_wrong_configuration_is_explained(installation: Installation) -> None:
    installation.config.write_text(installation.config.read_text() + "\nsip_udp_port = 5060\n")
    said = installation.refusal("user", "list")
    assert "a plaintext listener can't be configured" in said
    installation.config.write_text("data_dir = \n")
    assert "is not TOML" in installation.refusal("user", "list")
    installation.config.unlink()
    assert "vestibule init" in installation.refusal("user", "list")
