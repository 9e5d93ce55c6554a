"""tests/mutations.toml holds to the tree: what it takes out is there, once, and nothing is left untried."""

import re
from pathlib import Path

import pytest

from tests.mutation_list import CARGO, ROOT, Mutation, mutations, rows_with_a_control

_ALL = mutations()
_NAMES = [f"{one.file}: {one.what}" for one in _ALL]
_CRATES = {path.parent.name for path in (ROOT / "native").glob("*/Cargo.toml")}


@pytest.mark.parametrize("mutation", _ALL, ids=_NAMES)
def test_what_is_taken_out_is_there_once(mutation: Mutation) -> None:
    text = (ROOT / mutation.file).read_text()
    assert mutation.applied_to(text) != text


@pytest.mark.parametrize("mutation", _ALL, ids=_NAMES)
def test_the_test_that_must_go_red_exists(mutation: Mutation) -> None:
    if mutation.test.startswith(CARGO):
        crate, names = _of_cargo(mutation.test)
        sources = "".join(path.read_text() for path in (ROOT / "native" / crate).rglob("*.rs"))
        assert names
        assert all(re.search(rf"\bfn {name}\b", sources) for name in names)
        return
    file, _, name = mutation.test.partition("::")
    test = (ROOT / file).read_text()
    assert not name or re.search(rf"^(?:async )?def {name}\(", test, re.MULTILINE)


def test_every_attack_that_is_held_off_has_an_entry() -> None:
    tried = {number for mutation in _ALL for number in mutation.attacks}
    assert rows_with_a_control() - tried == set()


def test_a_stale_entry_is_an_error() -> None:
    mutation = Mutation((1,), "", "x", "a", "b", "")
    assert mutation.applied_to("xay") == "xby"
    for text in ("xy", "aa"):
        with pytest.raises(ValueError, match="not once"):
            mutation.applied_to(text)


def _of_cargo(test: str) -> tuple[str, list[str]]:
    """The crate's folder, and the functions named."""
    words = test.removeprefix(CARGO).split()
    crate = words[words.index("-p") + 1].removeprefix("vestibule-")
    assert crate in _CRATES
    return crate, [
        Path(word.replace("::", "/")).name for word in words if "_" in word and "-" not in word
    ]
