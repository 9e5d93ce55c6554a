"""What commands print: plain lines that fit a script's pipe as well as a terminal."""

import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn

import segno
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vestibule.telemetry.redaction import visible

_WIDE = 500  # columns, where nobody looks: a pipe or file gets lines unbroken


def _console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _WIDE, highlight=False)


def say(text: str, value: str = "") -> None:
    """Print a line; the value, if any, stands out after it. Neither is read as markup."""
    line = Text(visible(text))
    if value:
        line.append("  ").append(visible(value), style="bold")
    _console().print(line, soft_wrap=True)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table. Cells are not read as markup, and long ones wrap rather than being cut."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    _console().print(table)


def show_qr(text: str) -> None:
    """Draw a QR code for a camera, if somebody is there to hold one."""
    if sys.stdout.isatty():
        segno.make(text, error="m").terminal(compact=True)


def fail(message: str) -> NoReturn:
    """Say on standard error what is wrong and what to do, and end the command with status 1."""
    line = Text("vestibule: ", style="red")
    line.append("\n".join(visible(part) for part in message.split("\n")), style="default")
    _console(stderr=True).print(line, soft_wrap=True)
    raise typer.Exit(1)
