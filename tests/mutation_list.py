"""tests/mutations.toml: which line holds which attack off, and which test notices when it is gone."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIST = ROOT / "tests" / "mutations.toml"
CARGO = "cargo "


@dataclass(frozen=True, slots=True)
class Mutation:
    """One control taken out: `old` stands once in `file` (from the top folder), `new` comes in its place.

    `test` must then fail: a pytest node, or `cargo` with the arguments of `cargo test`.
    """

    attacks: tuple[int, ...]
    what: str
    file: str
    old: str
    new: str
    test: str

    @property
    def needs_extension(self) -> bool:
        """Whether the native module has to be built anew before its test can notice."""
        return self.file.endswith(".rs") and not self.test.startswith(CARGO)

    def applied_to(self, text: str) -> str:
        """The file's text without the control. Raises ValueError if the list is out of date."""
        if (found := text.count(self.old)) != 1:
            raise ValueError(f"{self.file} holds this {found} times, not once:\n{self.old}")
        return text.replace(self.old, self.new)


def mutations() -> list[Mutation]:
    """The whole list, as it stands in the file. Raises TypeError or KeyError if an entry lacks something."""
    read = tomllib.loads(LIST.read_text())
    return [
        Mutation(
            attacks=tuple(one["attacks"]),
            what=one["what"],
            file=one["file"],
            old=one["old"].strip("\n"),
            new=one.get("new", "").strip("\n"),
            test=one["test"],
        )
        for one in read["mutation"]
    ]


def rows_with_a_control() -> set[int]:
    """The attacks for which docs/threat-model.md names both a control and a test."""
    page = (ROOT / "docs" / "threat-model.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", page, re.MULTILINE)
    return {
        int(number) for number, cells in rows if all("`" in cell for cell in cells.split(" | ")[1:])
    }
