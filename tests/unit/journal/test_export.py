"""The journal for other eyes: nothing in an entry can look like another entry, and all can be checked."""

import hashlib
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.journal.bench import chain_of
from vestibule.journal.entry import FIELDS, Entry
from vestibule.journal.export import as_json_line, as_line, as_syslog
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note
from vestibule.journal.reading import StoredEntry

HOSTILE = (
    'eve\r\n<109>1 2026 h vestibule - sign-in.accepted [journal@32473 actor="alice"]\x1b[2J\u202e'
)


def stored(note: Note) -> StoredEntry:
    (row,) = chain_of(note)
    return StoredEntry(Entry.stored(row), row["hash"])


def parameters(message: str) -> dict[str, str]:
    """Structured data of RFC 5424 section 6.3, read strictly."""
    found = re.fullmatch(
        r'<\d+>1 (\S+) (\S+) vestibule - (\S+) \[journal@32473((?: [!-~]+?="(?:[^"\\\]]|\\["\\\]])*")*)\] .*',
        message,
        re.DOTALL,
    )
    assert found, message
    pairs = re.findall(r' ([!-~]+?)="((?:[^"\\\]]|\\["\\\]])*)"', found[4])
    return {name: re.sub(r'\\(["\\\]])', r"\1", value) for name, value in pairs}


def test_a_syslog_message_has_facility_audit_and_the_fields() -> None:
    note = Note(
        Kind.SIGN_IN_REFUSED, tenant="t1", subject="sip:alice@d.test", address="192.0.2.1",
        details={Detail.REASON: "password"},
    )  # fmt: skip
    message = as_syslog(stored(note), "meet.example.org")
    assert message.startswith(
        "<108>1 2027-01-15T08:00:00.000000Z meet.example.org vestibule - sign-in.refused "
    )
    assert message.endswith("] sign-in.refused refused")
    said = parameters(message)
    assert said["subject"] == "sip:alice@d.test"
    assert said["detail.reason"] == "password"
    assert "actor" not in said


@given(st.text() | st.just(HOSTILE))
def test_a_hostile_text_stays_where_it_belongs(text: str) -> None:
    entry = stored(
        Note(Kind.ADMISSION_LOBBY, actor=text, subject=text, details={Detail.NAME: text})
    )
    message = as_syslog(entry, "h.test")
    assert parameters(message).get("actor", "") == (entry.entry.actor or "")
    for line in (message, as_json_line(entry), as_line(entry)):
        assert len(line.splitlines()) == 1
        assert not {"\x1b", "\u202e", "\x00"} & set(line)


def test_a_json_line_suffices_to_compute_the_hash_again() -> None:
    note = Note(Kind.ADMISSION_LOBBY, actor="sip:ü@d.test", details={Detail.NAME: HOSTILE})
    said = json.loads(as_json_line(stored(note)))
    whole, _, rest = said["time"].rstrip("Z").partition(".")
    assert whole == "2027-01-15T08:00:00"
    values = said | {
        "time": 1_800_000_000 * 1_000_000 + int(rest),
        "details": json.dumps(said["details"], sort_keys=True, separators=(",", ":")),
    }
    canonical = b"vestibule-journal-entry-1\n"
    for name in FIELDS:
        text = None if values[name] is None else str(values[name]).encode()
        canonical += b"-" if text is None else b"%d:%b" % (len(text), text)
    assert hashlib.sha256(canonical).hexdigest() == said["hash"]


def test_a_line_for_people_says_who_what_whom_and_leaves_signatures_out() -> None:
    details = {Detail.MEETING: "m", Detail.NAME: "Desk phone", Detail.SIGNATURE: "AAAA"}
    line = as_line(
        stored(
            Note(
                Kind.ADMISSION_ADMITTED, actor="sip:a@d.test", subject="sip:b@d.test",
                address="192.0.2.1", mechanism="bearer", details=details,
            )
        )
    )  # fmt: skip
    assert line == (
        "2027-01-15 08:00:00Z      1 admission.admitted       sip:a@d.test -> sip:b@d.test "
        'from 192.0.2.1 by bearer meeting=m name="Desk phone"'
    )
