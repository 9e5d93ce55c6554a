"""`vestibule meeting`: create and list meetings, replace their keys."""

import time
from typing import Annotated

import typer

from vestibule.cli.output import fail, say, show_table
from vestibule.cli.people import PersonArgument
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, run
from vestibule.conferencing.invitation import invitation_link
from vestibule.conferencing.meeting_records import MeetingRecords
from vestibule.conferencing.meetings import Meetings, NotLicensed, TooManyMeetings

app = typer.Typer(help="Meetings: create, list, replace keys.", no_args_is_help=True)


@app.command("create")
def create(
    person: PersonArgument,
    subject: Annotated[str, typer.Argument(help="What it is about.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Create a meeting and print its invitation link and SIP address."""

    async def act(workspace: Workspace) -> tuple[str, str]:
        meetings = meetings_of(workspace)
        await meetings.reload()
        try:
            meeting = await meetings.create(workspace.person(person), subject)
        except NotLicensed:
            fail(f"{person} may not create meetings: add people without --unlicensed for that")
        except TooManyMeetings:
            fail(f"{person} has as many meetings as anybody may: delete some")
        return invitation_link(workspace.settings.web_origin, meeting), meeting.address.focus

    link, focus = run(config, act)
    say("link", link)
    say("SIP ", focus)


@app.command("list")
def list_meetings(person: PersonArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List a person's meetings."""

    async def act(workspace: Workspace) -> list[tuple[str, ...]]:
        meetings = meetings_of(workspace)
        await meetings.reload()
        origin = workspace.settings.web_origin
        return [
            (meeting.subject, invitation_link(origin, meeting))
            for meeting in meetings.list_of(workspace.person(person))
        ]

    show_table(("subject", "link"), run(config, act))


@app.command("replace-key")
def replace_key(
    person: PersonArgument,
    meeting: Annotated[str, typer.Argument(help="Its id: what stands before # in its link.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Give a person's meeting a new link. The old one opens nothing any more; who is inside stays."""

    async def act(workspace: Workspace) -> str:
        meetings = meetings_of(workspace)
        await meetings.reload()
        replaced = await meetings.replace_key(workspace.person(person), meeting)
        if replaced is None:
            fail(f"{person} has no meeting {meeting}: vestibule meeting list {person}")
        return invitation_link(workspace.settings.web_origin, replaced)

    say("link", run(config, act))


def meetings_of(workspace: Workspace) -> Meetings:
    """The meetings of an open installation; `reload` them first."""
    records = MeetingRecords(workspace.store, workspace.writer)
    directory, journal = workspace.directory, workspace.journal
    return Meetings(records, directory, time.time, lambda meeting_id: None, journal)
