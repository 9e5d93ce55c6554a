"""Signing keys on disk: made once, private, replaceable (K9, K10)."""

import stat
from pathlib import Path

import pytest

from vestibule.identity.private_file import PrivateFileRefused
from vestibule.identity.signing_keys import SigningKeys


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "identity" / "token-keys.json"


def test_made_once_and_only_for_their_owner(path: Path) -> None:
    made = SigningKeys.load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SigningKeys.load_or_create(path).signing.kid == made.signing.kid


def test_a_file_open_to_others_is_refused(path: Path) -> None:
    SigningKeys.load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(PrivateFileRefused, match="0600"):
        SigningKeys.load_or_create(path)


@pytest.mark.parametrize("content", ["", "{}", '{"keys": []}', '{"keys": [{"kty": "oct"}]}'])
def test_a_file_without_our_kind_of_key_is_refused(path: Path, content: str) -> None:
    SigningKeys.load_or_create(path)
    path.write_text(content)
    with pytest.raises(PrivateFileRefused):
        SigningKeys.load_or_create(path)


def test_only_public_parts_are_published(path: Path) -> None:
    published = SigningKeys.load_or_create(path).rotate().public()["keys"]
    assert len(published) == 2
    for key in published:
        assert {"kty", "crv", "x", "y", "kid", "use", "alg"} == set(key)


def test_rotation_is_kept_on_disk_with_the_key_before(path: Path) -> None:
    first = SigningKeys.load_or_create(path)
    rotated = first.rotate()
    again = SigningKeys.load_or_create(path)
    assert again.signing.kid == rotated.signing.kid != first.signing.kid
    assert again.verifying(first.signing.kid or "") is not None
