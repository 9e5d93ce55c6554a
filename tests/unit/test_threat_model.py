"""docs/threat-model.md speaks of the tree as it is: every attack has its row, every file named exists."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "threat-model.md").read_text()
_ROWS = dict(re.findall(r"^\| (\d+) \| (.*) \|$", _PAGE, re.MULTILINE))
_KNOWN_ATTACKS = 80
_FILES = re.findall(r"`([\w./-]+\.(?:py|rs|ts|md|sh))`", _PAGE)
_NOT_YET = re.compile(r"\bno\b|\bnot\b|\bcomes? with\b")


def test_every_known_attack_has_its_row() -> None:
    assert [int(number) for number in _ROWS] == list(range(1, _KNOWN_ATTACKS + 1))


@pytest.mark.parametrize("name", sorted(set(_FILES)))
def test_every_file_named_exists(name: str) -> None:
    tops = ("native/", "tests/", "docs/", "web/")
    path = _ROOT / name if name.startswith(tops) else _ROOT / "src" / "vestibule" / name
    assert path.exists(), name


@pytest.mark.parametrize("number", _ROWS)
def test_every_row_has_a_control_and_a_test_or_says_what_is_missing(number: str) -> None:
    _, control, test = (cell.strip() for cell in _ROWS[number].split(" | "))
    assert "`" in control or _NOT_YET.search(control), control
    assert "`" in test or (test == "\N{EN DASH}" and _NOT_YET.search(control)), test
