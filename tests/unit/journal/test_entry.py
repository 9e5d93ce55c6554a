"""What an entry holds, and that two entries never have one canonical form."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.journal.entry import FIELDS, START, Entry, Head, NotAnEntry, Noted
from vestibule.journal.kinds import Kind, Outcome
from vestibule.journal.note import Detail, Note
from vestibule.journal.plain_text import FORMS, UNFIT, plain

_TEXT = st.text(max_size=12) | st.sampled_from(["", "-", "1:a", "-1:a", "0:", "\n", "3:abc-"])
_MAYBE = st.none() | _TEXT
_ENTRIES = st.builds(
    Entry,
    sequence=st.integers(1, 300),
    time=st.integers(-5, 300),
    tenant=_MAYBE, kind=_TEXT, outcome=_TEXT, actor=_MAYBE, subject=_MAYBE, address=_MAYBE,
    mechanism=_MAYBE, details=_TEXT, previous=_TEXT,
)  # fmt: skip


def entry_of(note: Note) -> Entry:
    return Entry.after(Head(0, START), Noted(note, 1_700_000_000_000_001, "server"))


def decoded(canonical: bytes) -> list[bytes | None]:
    """The fields, read back by what the documentation says and nothing else."""
    tag, _, rest = canonical.partition(b"\n")
    assert tag == b"vestibule-journal-entry-1"
    fields: list[bytes | None] = []
    while rest:
        if rest[:1] == b"-":
            fields.append(None)
            rest = rest[1:]
            continue
        length, _, rest = rest.partition(b":")
        fields.append(rest[: int(length)])
        rest = rest[int(length) :]
    return fields


@given(_ENTRIES)
def test_the_canonical_form_can_be_read_back_so_it_stands_for_one_entry(entry: Entry) -> None:
    values = [getattr(entry, name) for name in FIELDS]
    written = [None if v is None else str(v).encode("utf-8", "surrogatepass") for v in values]
    assert decoded(entry.canonical) == written


def test_the_canonical_form_stays_as_it_is() -> None:
    note = Note(
        Kind.DEVICE_REVOKED, tenant="t1", subject="sip:ü@d.test", details={Detail.DEVICE: "d1"}
    )
    expected = (
        b"vestibule-journal-entry-1\n"
        b"1:116:17000000000000012:t114:device.revoked4:done6:server13:sip:\xc3\xbc@d.test--"
        b'15:{"device":"d1"}64:' + b"0" * 64
    )
    assert entry_of(note).canonical == expected
    assert entry_of(note).hash == hashlib.sha256(expected).hexdigest()


def test_details_have_one_order() -> None:
    one = {Detail.ROLE: "presenter", Detail.MEETING: "m"}
    other = {Detail.MEETING: "m", Detail.ROLE: "presenter"}
    assert entry_of(Note(Kind.ROLE_CHANGED, details=one)) == entry_of(
        Note(Kind.ROLE_CHANGED, details=other)
    )


@given(st.text())
def test_no_text_holds_a_control_or_direction_character_or_is_long(text: str) -> None:
    entry = entry_of(Note(Kind.SIGN_OUT, actor=text, subject=text, details={Detail.NAME: text}))
    for written in (entry.actor, entry.subject, entry.details):
        assert written is not None
        assert not {"\r", "\n", "\x1b", "\u202e", "\x00"} & set(written)
    assert len(entry.actor or "") <= 320


@pytest.mark.parametrize(
    "secret",
    [
        "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
        'Digest username="a", response="0123"',
        "https://h.test/meet/alice/MMMMMMMMMMMMMMMMMMMMMM#KKKKKKKKKKKKKKKKKKKKKK",
        "-----BEGIN PRIVATE KEY-----\nAAAA",
        "postgresql://vestibule:hunter2@db/x",
    ],
)
def test_what_looks_secret_is_hidden_wherever_it_is_put(secret: str) -> None:
    entry = entry_of(
        Note(
            Kind.SIGN_OUT, actor=secret, subject=secret, address=secret, mechanism=secret,
            details=dict.fromkeys(Detail, secret),
        )
    )  # fmt: skip
    written = entry.canonical.decode()
    for part in ("eyJhbGciOiJFUzI1NiJ9", "0123", "KKKKKK", "AAAA", "hunter2"):
        assert part not in written


@pytest.mark.parametrize("name", [n for n in Detail if n not in (Detail.NAME, Detail.DOMAINS)])
def test_a_detail_of_another_form_is_not_taken(name: Detail) -> None:
    entry = entry_of(Note(Kind.SIGN_OUT, details={name: "p4ss; word!\n"}))
    assert f'"{name}":"{UNFIT}"' in entry.details


def test_every_detail_has_a_form_and_no_name_of_a_secret() -> None:
    assert set(FORMS) == set(Detail)
    assert not {"password", "secret", "token", "code", "key", "cookie"} & set(Detail)


def test_a_cut_text_says_so() -> None:
    assert plain("x" * 400, 320) == "x" * 319 + "…"


def test_a_refusal_of_nobody_known_has_no_actor_and_other_acts_are_the_process_s() -> None:
    assert entry_of(Note(Kind.SIGN_IN_REFUSED)).actor is None
    assert entry_of(Note(Kind.DEVICE_REVOKED)).actor == "server"
    assert entry_of(Note(Kind.ROLE_CHANGED, Outcome.REFUSED)).outcome == "refused"


def test_kinds_and_outcomes_fit_their_columns() -> None:
    assert all(len(kind) <= 32 for kind in Kind)


@pytest.mark.parametrize("change", [{"time": 1.5}, {"actor": 7}, {"kind": None}, {"details": b""}])
def test_a_row_of_other_types_is_no_entry(change: dict[str, Any]) -> None:
    row = entry_of(Note(Kind.SIGN_OUT)).row()
    assert Entry.stored(row).row() == row
    with pytest.raises(NotAnEntry, match=next(iter(change))):
        Entry.stored(row | change)
