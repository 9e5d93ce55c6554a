"""`vestibule journal`: the record of security events."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from vestibule.cli.output import fail, say
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, run
from vestibule.journal.checkpoints import CheckpointFile, PublicKey, Signer
from vestibule.journal.entry import Head
from vestibule.journal.export import as_json_line, as_line, as_syslog
from vestibule.journal.kinds import Kind
from vestibule.journal.reading import StoredEntry, Wanted, entries, last_number
from vestibule.journal.verification import Attested, Report, verify

app = typer.Typer(
    help="The record of security events: verify, export, tail, key.", no_args_is_help=True
)
_LOOK_SECONDS = 1.0
_HASH_LENGTH = 64

KindOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Only such entries: sign-in.refused, or sign-in for all of them; may repeat."
    ),
]


@app.command("verify")
def verify_journal(
    head: Annotated[
        list[str] | None,
        typer.Option(help="NUMBER:HASH that verify printed earlier, kept elsewhere; may repeat."),
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(help="Public keys of checkpoints (PEM); default: this machine's own."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Check that nobody has edited, removed, moved or added entries.

    Goes through the whole chain and every signed checkpoint, and compares the end with the newest
    checkpoint in the data folder. Prints how many entries there are, the head and the last
    checkpoint. Keep the head elsewhere and give it to --head next time: then nobody can have cut
    the end off or replaced it in between. Ends with status 1, and the first bad entry, if anything is wrong.
    """
    heads = [Attested(_head(text), f"--head {text[:24]}…") for text in head or ()]

    async def act(workspace: Workspace) -> Report:
        own = _signer(workspace).existing_key()
        keys = [_public_key(path) for path in key or ()] or ([own] if own else [])
        kept = CheckpointFile(workspace.settings.journal_dir).read()
        if kept is not None:
            heads.append(Attested(kept.head, "the checkpoint in the data folder"))
            if not any(one.id == kept.key_id and one.signed(kept) for one in keys):
                fail("the checkpoint in the data folder is signed by a foreign key: see --key")
        async with workspace.store.connect() as connection:
            return await verify(connection, keys, heads)

    report = run(config, act)
    if report.fault is not None:
        fail(
            f"the journal is not whole: {report.fault.text}\n"
            f"{report.count} entries before it are good"
        )
    say(f"{report.count} entries, all good")
    say("head", str(report.head))
    say("last checkpoint", str(report.checkpoint) if report.checkpoint else "none yet")


@app.command("export")
def export(
    *,
    form: Annotated[
        Literal["jsonl", "syslog"],
        typer.Option("--format", help="JSON lines, or syslog messages (RFC 5424)."),
    ] = "jsonl",
    since: Annotated[
        str | None, typer.Option(help="Not before: 2026-03-01 or 2026-03-01T08:00:00, UTC.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Before this time; written as --since.")] = None,
    kind: KindOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write entries to standard output, one a line, oldest first.

    JSON lines have every field that is hashed, so others can check them (docs/admins/journal.md).
    Syslog messages have facility 13 (audit) and the fields as structured data.
    """
    wanted = Wanted(_time(since), _time(until), _kinds(kind or []))

    async def act(workspace: Workspace) -> None:
        host = workspace.settings.host
        async with workspace.store.connect() as connection:
            async for entry in entries(connection, wanted):
                line = as_syslog(entry, host) if form == "syslog" else as_json_line(entry)
                sys.stdout.write(line + "\n")

    with contextlib.suppress(BrokenPipeError):  # `| head` has seen enough
        run(config, act)


@app.command("tail")
def tail(
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many entries.", min=0)] = 20,
    kind: KindOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show the newest entries: when, number, what, who, to whom, from where, how, and what else."""
    kinds = _kinds(kind or [])

    async def act(workspace: Workspace) -> None:
        async for entry in _newest(workspace, kinds, lines, follow=follow):
            say(as_line(entry))

    with contextlib.suppress(KeyboardInterrupt):
        run(config, act)


@app.command("key")
def key(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Print the public key of this machine's checkpoints, as PEM: for `verify --key` elsewhere."""

    async def act(workspace: Workspace) -> str:
        return _signer(workspace).public_key().pem().decode()

    sys.stdout.write(run(config, act))


async def _newest(
    workspace: Workspace, kinds: tuple[Kind, ...], lines: int, *, follow: bool
) -> AsyncIterator[StoredEntry]:
    async with workspace.store.connect() as connection:
        after = (
            await Wanted(kinds=kinds).before_last(connection, lines)
            if lines
            else await last_number(connection)
        )
    while True:
        async with workspace.store.connect() as connection:
            async for entry in entries(connection, Wanted(kinds=kinds, after=after)):
                after = entry.entry.sequence
                yield entry
        if not follow:
            return
        await asyncio.sleep(_LOOK_SECONDS)


def _signer(workspace: Workspace) -> Signer:
    return Signer(workspace.settings.journal_dir)


def _public_key(path: Path) -> PublicKey:
    try:
        return PublicKey.read(path.read_bytes())
    except ValueError as error:
        fail(f"{path} is not a public key as `vestibule journal key` prints it: {error}")


def _head(text: str) -> Head:
    number, _, hash_ = text.partition(":")
    if not (number.isdecimal() and len(hash_) == _HASH_LENGTH):
        fail(f"--head {text}: NUMBER:HASH is expected, as `vestibule journal verify` prints it")
    return Head(int(number), hash_.lower())


def _time(text: str | None) -> int | None:
    """Microseconds since 1970 of a date or time; UTC unless it says otherwise."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is not a time such as 2026-03-01 or 2026-03-01T08:00:00")
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return round(time.timestamp() * 1_000_000)


def _kinds(texts: list[str]) -> tuple[Kind, ...]:
    """The kinds of these names or beginnings of names."""
    found: list[Kind] = []
    for text in texts:
        some = [kind for kind in Kind if kind == text or kind.startswith(f"{text}.")]
        if not some:
            fail(f"there is no kind {text!r}: there are {', '.join(Kind)}")
        found += some
    return tuple(dict.fromkeys(found))
