"""ATTACKS 66, 67, N11, I13: the journal holds what happened, no secret, and shows when it was touched."""

import json
import re
import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients.deadline import eventually
from tests.clients.deployment import Deployment
from tests.clients.guest import ADD_USER, Guest, device_line
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import Ask, refresh, sign_in, tokens
from tests.clients.sip_line import header_of, request, status_of

_VESTIBULE = str(Path(sys.executable).parent / "vestibule")
_C3P = "Content-Type: application/cccp+xml"
_FLOOD = 400
COMMAND = """\
<request xmlns="urn:ietf:params:xml:ns:cccp" xmlns:ci="urn:ietf:params:xml:ns:conference-info" \
C3PVersion="1" to="{focus}" from="{me}" requestId="1">{command}</request>"""
LOBBY = (
    '<setLobbyAccess><conferenceKeys confEntity="{focus}"/><userEntity>{guest}</userEntity>'
    "<access>{access}</access></setLobbyAccess>"
)
ROLE = (
    '<modifyUserRoles><userKeys confEntity="{focus}" userEntity="{guest}"/>'
    "<ci:user-roles><ci:entry>{role}</ci:entry></ci:user-roles></modifyUserRoles>"
)
FORGERY = "alice\r\n<109>1 2026-01-01T00:00:00Z h vestibule - sign-in.accepted \x1b[2J\u202e"
HOSTILE_NAME = "\u202eeve] <109>1 2026-01-01T00:00:00Z actor=alice \u2028\u0085"
"""The edge itself refuses names with ESC or CR; these characters come through it."""


@dataclass(frozen=True)
class Installation:
    """A data folder, worked on with `vestibule journal` as its owner would."""

    folder: Path
    facts: dict[str, Any]

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        config = self.folder.parent / f"{self.folder.name}.toml"
        config.write_text(
            f'data_dir = "{self.folder}"\nhost = "{self.facts["host"]}"\n'
            f'domains = ["{self.facts["domain"]}"]\nhttps_port = {self.facts["https_port"]}\n'
        )
        return subprocess.run(
            [_VESTIBULE, *arguments, "--config", str(config)],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def do(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def entries(self, *arguments: str) -> list[dict[str, Any]]:
        lines = self.do("journal", "export", *arguments).split("\n")
        return [json.loads(line) for line in lines if line]

    def find(self, kind: str, **wanted: str) -> dict[str, Any]:
        """The first entry of that kind with those fields or details, once it is there."""

        return eventually(
            lambda: matching(self.entries("--kind", kind), kind, **wanted), f"{kind} with {wanted}"
        )

    def copy(self, folder: Path) -> "Installation":
        """The same at another place, for tampering: nobody runs there."""
        folder.mkdir()
        shutil.copytree(self.folder / "journal", folder / "journal")
        with (
            closing(sqlite3.connect(self.folder / "vestibule.db")) as original,
            closing(sqlite3.connect(folder / "vestibule.db")) as copied,
        ):
            original.backup(copied)
        return Installation(folder, self.facts)

    def tamper(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.folder / "vestibule.db")) as database:
            for statement in (
                "DROP TRIGGER journal_no_update", "DROP TRIGGER journal_no_delete", *statements,
            ):  # fmt: skip
                database.execute(statement)
            database.commit()


def matching(entries: list[dict[str, Any]], kind: str, **wanted: str) -> dict[str, Any] | None:
    """The first entry of that kind with those fields or details."""
    return next(
        (
            entry
            for entry in entries
            if entry["kind"] == kind and wanted.items() <= {**entry, **entry["details"]}.items()
        ),
        None,
    )


@dataclass
class Story:
    """What was done to the deployment, and every secret that came up."""

    installation: Installation
    secrets: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)


def in_dialog(message: str, answer: str, number: int) -> str:
    """The message as a later one of the dialog that an answer belongs to."""
    method = message.split(" ", 1)[0]
    for name in ("From", "To", "Call-ID"):
        message = re.sub(rf"(?m)^{name}: .*$", f"{name}: {header_of(answer, name)}", message)
    return re.sub(r"(?m)^CSeq: .*$", f"CSeq: {number} {method}", message)


def web_story(story: Story, network: Network, deployment: Deployment) -> None:
    """Alice mistypes, signs in, and somebody uses her refresh token a second time."""
    host = network.add_host()
    transport = HostTransport(host, deployment.authority)
    with httpx.Client(transport=transport, base_url=deployment.origin) as browser:
        wrong = f"wrong-{secrets.token_hex(8)}"
        assert sign_in(browser, Ask(deployment.origin), "alice", wrong).status_code == 403
        typed_as_name = f"my-password-{secrets.token_hex(4)}"
        sign_in(browser, Ask(deployment.origin), typed_as_name, "x")
        sign_in(browser, Ask(deployment.origin), FORGERY, "x")
        given = tokens(browser, deployment)
        assert refresh(browser, given["refresh_token"]).status_code == 200
        assert refresh(browser, given["refresh_token"]).status_code == 400
        story.secrets |= {wrong, typed_as_name, *browser.cookies.values()}
        story.secrets |= {given[name] for name in ("access_token", "refresh_token", "id_token")}
        story.secrets.add(given["access_token"].split(".")[2])
    story.names["browser"] = host.address


def meeting_story(story: Story, network: Network, deployment: Deployment) -> None:
    """One guest is admitted and promoted, one is rejected, one has the wrong key."""
    guest_host = network.add_host()
    story.names["guests"] = guest_host.address
    alice, focus = deployment.user("alice").sip, deployment.facts["meeting"]["focus"]
    with (
        device_line(network.server, deployment, "alice") as leader,
        Guest(guest_host, deployment) as good,
        Guest(guest_host, deployment) as bad,
    ):
        body = ADD_USER.format(focus=focus, me=alice, role="presenter")
        leader.send(request("INVITE", focus, alice, headers=_C3P, body=body))
        joined = leader.final()
        assert status_of(joined) == 200
        leader.send(in_dialog(request("ACK", focus, alice), joined, 1))

        def command(number: int, text: str) -> str:
            body = COMMAND.format(focus=focus, me=alice, command=text)
            message = request("INFO", focus, alice, headers=_C3P, body=body)
            leader.send(in_dialog(message, joined, number))
            return leader.final()

        assert status_of(good.knock()) == status_of(bad.knock()) == 183
        granted = command(2, LOBBY.format(focus=focus, guest=good.me, access="granted"))
        assert 'code="success"' in granted, granted
        admitted = good.line.final()
        assert status_of(admitted) == 200
        denied = command(3, LOBBY.format(focus=focus, guest=bad.me, access="denied"))
        assert 'code="success"' in denied
        assert status_of(bad.line.final()) == 403
        usurping = COMMAND.format(
            focus=focus, me=good.me,
            command=ROLE.format(focus=focus, guest=good.me, role="presenter"),
        )  # fmt: skip
        message = good.write("INFO", focus, headers=_C3P, body=usurping)
        good.line.send(in_dialog(message, admitted, 2))
        assert "accessDenied" in good.line.final()
        promoted = command(4, ROLE.format(focus=focus, guest=good.me, role="presenter"))
        assert 'code="success"' in promoted
    story.names |= {"admitted": good.me, "rejected": bad.me}
    with Guest(guest_host, deployment) as hostile:
        body = ADD_USER.format(focus=focus, me=hostile.me, role="attendee")
        knock = hostile.write("INVITE", focus, headers=_C3P, body=body)
        hostile.line.send(knock.replace("From: <", f'From: "{HOSTILE_NAME}" <'))
        story.names["hostile"] = hostile.me
        while status_of(answer := hostile.line.receive()) == 100:
            pass
        assert status_of(answer) == 183
    wrong_key = secrets.token_urlsafe(16)
    story.secrets.add(wrong_key)
    with Guest(guest_host, deployment, key=wrong_key) as stranger:
        assert status_of(stranger.knock()) == 401


@pytest.fixture(scope="module")
def story(network: Network, deployment: Deployment) -> Iterator[Story]:
    """The whole story, told once; the tests read what the journal made of it."""
    facts = deployment.facts
    story = Story(Installation(deployment.folder, facts))
    web_story(story, network, deployment)
    meeting_story(story, network, deployment)
    devices = story.installation.do("device", "list", "bob").splitlines()[1:]
    story.names["revoked"] = next(row for row in devices if " certificate " in row).split()[0]
    story.installation.do("device", "revoke", story.names["revoked"])
    printed = story.installation.do("user", "passwd", "carol").split()[-1]
    story.secrets |= {printed, facts["meeting"]["conference_key"]}
    for user in facts["users"].values():
        story.secrets |= {user["password"], user["device_secret"]}
        pem = Path(user["device_pem"]).read_text().splitlines()
        story.secrets |= set(pem[1 : pem.index("-----END PRIVATE KEY-----")])
    yield story


def test_what_happened_is_recorded(story: Story) -> None:
    story.installation.find("certificate.revoked")  # the last to come: the others are there then
    entries, names = story.installation.entries(), story.names

    def find(kind: str, **wanted: str) -> dict[str, Any]:
        found = matching(entries, kind, **wanted)
        assert found, f"no {kind} with {wanted}"
        return found

    alice, meeting = "sip:alice@vestibule.test", story.installation.facts["meeting"]["id"]
    here = {"address": names["browser"]}
    find("sign-in.refused", subject=alice, reason="password", outcome="refused", **here)
    find("sign-in.refused", reason="unknown account", **here)
    find("sign-in.accepted", actor=alice, mechanism="pwd", outcome="done", **here)
    find("token.reused", subject=alice)
    find("admission.admitted", actor=alice, who="organizer", mechanism="certificate")
    guests = {"address": names["guests"], "meeting": meeting}
    find("admission.lobby", actor=names["admitted"], mechanism="conference-key", **guests)
    find("admission.admitted", actor=alice, subject=names["admitted"], meeting=meeting)
    find("admission.rejected", actor=alice, subject=names["rejected"], meeting=meeting)
    find("request.refused", actor=names["admitted"], reason="accessDenied", **guests)
    find("role.changed", actor=alice, subject=names["admitted"], role="presenter")
    find("proof.refused", mechanism="conference-key", outcome="refused", **guests)
    revoked = find("device.revoked", device=names["revoked"], subject="sip:bob@vestibule.test")
    assert revoked["actor"].startswith("local:")
    find("person.password-changed", subject="sip:carol@vestibule.test")
    find("server.started")


def test_the_journal_verifies_while_the_server_runs(story: Story) -> None:
    said = story.installation.do("journal", "verify")
    assert "all good" in said
    assert "none yet" not in said


def test_no_secret_is_in_it(story: Story) -> None:
    everything = story.installation.do("journal", "export")
    everything += story.installation.do("journal", "export", "--format", "syslog")
    everything += story.installation.do("journal", "tail", "-n", "10000")
    with closing(sqlite3.connect(story.installation.folder / "vestibule.db")) as database:
        stored = database.execute("SELECT * FROM journal").fetchall()
    everything += "\n".join(str(value) for row in stored for value in row)
    assert len(story.secrets) > 20
    assert not [secret for secret in story.secrets if secret in everything]


def test_hostile_names_forge_no_line(story: Story) -> None:
    count = len(story.installation.entries())
    for arguments in (
        ("export",), ("export", "--format", "syslog"), ("tail", "-n", "100000"),
    ):  # fmt: skip
        text = story.installation.do("journal", *arguments)
        assert text.count("\n") == len(text.splitlines()) >= count
        assert not {"\x1b", "\u202e", "\r"} & set(text)
    assert all(
        re.match(r"<10[89]>1 \d{4}-", line)
        for line in story.installation.do("journal", "export", "--format", "syslog").splitlines()
    )
    knocked = story.installation.find("admission.lobby", actor=story.names["hostile"])
    assert knocked["details"]["name"].startswith("eve] <109>1"), "the rest is the reader's to judge"


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "UPDATE journal SET address = '192.0.2.9' WHERE sequence = {place}",
            "entry {place} has been edited",
        ),
        ("DELETE FROM journal WHERE sequence = {place}", "entry {place} is missing"),
        (
            "UPDATE journal SET sequence = CASE sequence WHEN {place} THEN -1 ELSE {place} END "
            "WHERE sequence IN ({place}, {place} + 1)",
            "entry {place} was entry",
        ),
        ("DELETE FROM journal WHERE sequence >= {place}", "ends at entry"),
    ],
)
def test_tampering_with_the_file_is_named(
    story: Story, tmp_path: Path, statement: str, says: str
) -> None:
    place = story.installation.find("sign-in.refused", reason="password")["sequence"]
    copied = story.installation.copy(tmp_path / "copy")
    assert copied.run("journal", "verify").returncode == 0
    copied.tamper(statement.format(place=place))
    done = copied.run("journal", "verify")
    assert done.returncode == 1
    assert says.format(place=place) in done.stderr


def test_the_database_refuses_to_change_it_unasked(story: Story, tmp_path: Path) -> None:
    copied = story.installation.copy(tmp_path / "copy")
    with closing(sqlite3.connect(copied.folder / "vestibule.db")) as database:
        for statement in ("UPDATE journal SET actor = 'x'", "DELETE FROM journal"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)


def test_a_flood_of_wrong_proofs_neither_drowns_nor_grows(
    story: Story, network: Network, deployment: Deployment
) -> None:
    before = story.installation.entries()
    host = network.add_host()
    with Guest(host, deployment, key=secrets.token_urlsafe(16)) as attacker:
        statuses = [
            attacker.line.ask(attacker.write("OPTIONS", attacker.focus)) for _ in range(_FLOOD)
        ]
    assert set(statuses) == {401, 503}
    story.installation.find("proof.refused", address=host.address)
    after = story.installation.entries()
    assert after[: len(before)] == before
    assert 0 < len([e for e in after if e["address"] == host.address]) <= 50
    assert "all good" in story.installation.do("journal", "verify")


def test_a_stopped_server_leaves_a_sealed_journal_with_every_refusal_in_the_sums(
    network: Network, tmp_path: Path
) -> None:
    host = network.add_host()
    with Deployment(network.server, tmp_path / "demo") as deployment:
        with Guest(host, deployment, key=secrets.token_urlsafe(16)) as attacker:
            for _ in range(_FLOOD):
                attacker.line.ask(attacker.write("OPTIONS", attacker.focus))
        installation = Installation(deployment.folder, deployment.facts)
    entries = installation.entries()
    assert matching(entries, "server.stopped")
    assert entries[-1]["kind"] == "journal.checkpoint"
    counted = [e for e in entries if e["address"] == host.address]
    assert sum(int(entry["details"].get("count", 1)) for entry in counted) == _FLOOD
    assert "all good" in installation.do("journal", "verify")
