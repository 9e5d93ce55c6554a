"""`vestibule token`: what people's scripts call the API with. People make their own at /identity/tokens."""

import time
from typing import Annotated

import typer

from vestibule.cli.output import fail, say, show_table
from vestibule.cli.people import PersonArgument
from vestibule.cli.workspace import DEFAULT_CONFIG, ConfigOption, Workspace, run

app = typer.Typer(help="Personal tokens of people: list, revoke.", no_args_is_help=True)


@app.command("list")
def list_tokens(person: PersonArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List a person's tokens that are good. None of them can be shown again."""

    async def act(workspace: Workspace) -> list[tuple[str, ...]]:
        from vestibule.identity.personal_tokens import PersonalTokens  # noqa: PLC0415

        tokens = PersonalTokens(
            workspace.store, workspace.writer, workspace.directory, clock=time.time,
            notes=workspace.journal,
        )  # fmt: skip
        found = await tokens.list_of(workspace.person(person))
        return [
            (one.id, one.name, one.scope, _day(one.expires_at), _day(one.last_used_at))
            for one in found
        ]

    show_table(("id", "name", "for", "good until", "last used"), run(config, act))


@app.command("revoke")
def revoke(
    person: PersonArgument,
    token_id: Annotated[
        str, typer.Argument(help="The token's id, as `vestibule token list` has it.")
    ],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """End a token. The next call with it is refused."""

    async def act(workspace: Workspace) -> bool:
        from vestibule.identity.personal_tokens import PersonalTokens  # noqa: PLC0415

        tokens = PersonalTokens(
            workspace.store, workspace.writer, workspace.directory, clock=time.time,
            notes=workspace.journal,
        )  # fmt: skip
        return await tokens.revoke(workspace.person(person), token_id, by_person=False)

    if not run(config, act):
        fail(f"there is no such token: `vestibule token list {person}` shows them")
    say(f"{token_id} is revoked")


def _day(seconds: float | None) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds)) if seconds else "never"
