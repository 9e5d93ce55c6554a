"""`vestibule user …`: what an admin does about second factors and accounts for emergencies."""

import time
from typing import Annotated

import typer

from vestibule.cli.output import say
from vestibule.cli.people import PersonArgument, app
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, run
from vestibule.directory.model import BreakGlass
from vestibule.store.writer import Writer


@app.command("reset-second-factors")
def reset_second_factors(person: PersonArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Remove everything that a person signs in with besides the password: for who has lost it all.

    Make sure who asks; then the password alone opens the account until something new is added.
    """

    async def act(workspace: Workspace) -> tuple[str, int]:
        found = workspace.person(person)
        writer = Writer(workspace.store)
        # The other commands need not wait for all that signing in is made of.
        from vestibule.identity.second_factors.records import SecondFactorRecords  # noqa: PLC0415
        from vestibule.identity.service import open_sealing  # noqa: PLC0415

        sealing = open_sealing(workspace.settings.data_dir / "identity")
        records = SecondFactorRecords(workspace.store, writer, sealing, clock=time.time)
        removed = await records.remove_all(found.id)
        await writer.close()
        return found.aor, removed

    aor, removed = run(config, act)
    say(f"{aor} had {removed} second factors; all are removed, and the recovery codes with them")


@app.command("break-glass")
def break_glass(
    person: PersonArgument,
    exempt_from: Annotated[
        BreakGlass,
        typer.Option(help="`blocks`: rules that block; `everything`: demands for MFA as well."),
    ] = BreakGlass.BLOCKS,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Keep an account for emergencies: conditional access doesn't block it, each use is logged.

    `--exempt-from no` makes it an ordinary account again.
    """

    async def act(workspace: Workspace) -> str:
        found = workspace.person(person)
        await workspace.directory.set_break_glass(found.id, exempt_from)
        return found.aor

    say(f"{run(config, act)} is exempt from: {exempt_from.value}")
