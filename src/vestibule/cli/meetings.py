"""`vestibule meeting`: create and list meetings."""

import time
from typing import Annotated

import typer
from rich.table import Table

from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, console, fail, run
from vestibule.conferencing.invitation import invitation_link
from vestibule.conferencing.meeting_records import MeetingRecords
from vestibule.conferencing.meetings import Meetings, NotLicensed
from vestibule.store.writer import Writer

app = typer.Typer(help="Meetings: create, list.", no_args_is_help=True)


@app.command("create")
def create(
    person: Annotated[str, typer.Argument(help="Who organises it.")],
    subject: Annotated[str, typer.Argument(help="What it is about.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Create a meeting and print its invitation link and SIP address."""

    async def act(workspace: Workspace) -> tuple[str, str]:
        try:
            meeting = await meetings_of(workspace).create(workspace.person(person), subject)
        except NotLicensed:
            fail(f"{person} may not create meetings")
        return invitation_link(workspace.settings.web_origin, meeting), meeting.address.focus

    link, focus = run(config, act)
    console.print(f"link  {link}\nSIP   {focus}", soft_wrap=True, highlight=False)


@app.command("list")
def list_meetings(person: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List a person's meetings."""
    table = Table("subject", "link", box=None)

    async def act(workspace: Workspace) -> None:
        meetings = meetings_of(workspace)
        await meetings.reload()
        for meeting in meetings.list_of(workspace.person(person)):
            table.add_row(meeting.subject, invitation_link(workspace.settings.web_origin, meeting))

    run(config, act)
    console.print(table)


def meetings_of(workspace: Workspace) -> Meetings:
    """The meetings of an open installation."""
    records = MeetingRecords(workspace.store, Writer(workspace.store))
    return Meetings(records, workspace.directory, time.time, lambda meeting_id: None)
