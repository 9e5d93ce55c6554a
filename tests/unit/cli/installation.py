"""An installation that a test works on as an admin would: by commands."""

import re
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner, Result

from vestibule.cli import app

_PASSWORD = re.compile(r"password  (\S+)")


@dataclass(frozen=True, slots=True)
class Installation:
    """A folder with `vestibule.toml` in it."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "vestibule.toml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def try_to(self, *arguments: str) -> Result:
        """Run a command, however it ends."""
        return CliRunner().invoke(app, [*arguments, "--config", str(self.config)])

    def do(self, *arguments: str) -> str:
        """Run a command that must succeed; what it printed."""
        result = self.try_to(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refusal(self, *arguments: str) -> str:
        """Run a command that must fail in good order; what it said on standard error."""
        result = self.try_to(*arguments)
        assert result.exit_code == 1, (result.output, result.exception)
        assert result.stdout == ""
        return result.stderr

    def init(self, *arguments: str) -> str:
        """`vestibule init` for meet.example.org."""
        return self.do(
            "init", "--host", "meet.example.org", "--domain", "example.org",
            "--data", str(self.data), *arguments,
        )  # fmt: skip


def password_in(output: str) -> str:
    """The password that a command printed."""
    found = _PASSWORD.search(output)
    assert found, output
    return found.group(1)
