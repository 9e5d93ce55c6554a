"""An entry, and the one sequence of octets that its hash is taken of.

The canonical form is `vestibule-journal-entry-1` and a line feed, then the fields in the order of
`FIELDS`. A field that is there is written as its length in octets (decimal), a colon, and its UTF-8
text; one that is not there as a hyphen. Numbers are decimal. So no two entries have the same form:
where a field ends doesn't depend on what is in it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vestibule.journal.note import Note
from vestibule.journal.plain_text import NAME_LENGTH, WORD_LENGTH, details_text, plain

START = "0" * 64
"""What the first entry has as its predecessor's hash."""

_TAG = b"vestibule-journal-entry-1\n"
_NUMBERS = ("sequence", "time")
_OPTIONAL = ("tenant", "actor", "subject", "address", "mechanism")
FIELDS = (
    "sequence", "time", "tenant", "kind", "outcome", "actor", "subject", "address", "mechanism",
    "details", "previous",
)  # fmt: skip
"""What is hashed, in this order."""


class NotAnEntry(ValueError):
    """A stored row that no journal of ours can have written."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain stands: its newest entry's number and hash (64 hexadecimal digits)."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Noted:
    """A note, when it was made (microseconds since 1970), and by which process."""

    note: Note
    time: int
    process: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `time` in microseconds since 1970; `details` and `previous` as they are stored."""

    sequence: int
    time: int
    tenant: str | None
    kind: str
    outcome: str
    actor: str | None
    subject: str | None
    address: str | None
    mechanism: str | None
    details: str
    previous: str

    @classmethod
    def after(cls, head: Head, noted: Noted) -> "Entry":
        """The entry that follows a head, its texts made plain."""
        note = noted.note
        return cls(
            sequence=head.sequence + 1,
            time=noted.time,
            tenant=plain(note.tenant, WORD_LENGTH),
            kind=note.kind.value,
            outcome=note.result.value,
            actor=plain(
                note.actor or (None if note.may_be_counted else noted.process), NAME_LENGTH
            ),
            subject=plain(note.subject, NAME_LENGTH),
            address=plain(note.address, WORD_LENGTH),
            mechanism=plain(note.mechanism, WORD_LENGTH),
            details=details_text(note.details),
            previous=head.hash,
        )

    @classmethod
    def stored(cls, row: Mapping[str, Any]) -> "Entry":
        """The entry in a row. Raises NotAnEntry for values of kinds that we never write."""
        for name in FIELDS:
            value = row[name]
            fits = type(value) is (int if name in _NUMBERS else str)
            if not (fits or (value is None and name in _OPTIONAL)):
                raise NotAnEntry(f"{name} is a {type(value).__name__}")
        return cls(**{name: row[name] for name in FIELDS})

    @property
    def canonical(self) -> bytes:
        """What the hash is taken of."""
        values = (getattr(self, name) for name in FIELDS)
        return _TAG + b"".join(map(_field, values))

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical form, in hexadecimal."""
        return hashlib.sha256(self.canonical).hexdigest()

    @property
    def head(self) -> Head:
        """The chain's head once this entry is in it."""
        return Head(self.sequence, self.hash)

    def row(self) -> dict[str, Any]:
        """What is stored."""
        return {name: getattr(self, name) for name in FIELDS} | {"hash": self.hash}


def _field(value: str | int | None) -> bytes:
    if value is None:
        return b"-"
    text = str(value).encode("utf-8", "surrogatepass")
    return b"%d:%b" % (len(text), text)
