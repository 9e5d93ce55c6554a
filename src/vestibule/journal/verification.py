"""Is the journal whole? Goes through it from the first entry and names the first that isn't right."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.journal.chain import standing
from vestibule.journal.checkpoints import Checkpoint, PublicKey
from vestibule.journal.entry import START, Entry, Head, NotAnEntry
from vestibule.journal.kinds import Kind
from vestibule.journal.reading import Wanted, hold_still, rows

_NEARBY = 500  # how far away from its place an entry is looked for


class Wrong(StrEnum):
    """What may be wrong."""

    EDITED = "edited"
    MISSING = "missing"
    MOVED = "moved"
    TRUNCATED = "truncated"
    REPLACED = "replaced"
    FOREIGN_SIGNATURE = "foreign signature"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong, and at which entry."""

    wrong: Wrong
    sequence: int
    text: str


@dataclass(frozen=True, slots=True)
class Attested:
    """A head that somebody vouches for: `by` says who, for the message."""

    head: Head
    by: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. `checkpoint` is the head that the last good signature covers."""

    count: int
    head: Head
    checkpoint: Head | None
    fault: Fault | None


class _Found(Exception):
    def __init__(self, wrong: Wrong, sequence: int, text: str) -> None:
        super().__init__(text)
        self.fault = Fault(wrong, sequence, text)


class Verifier:
    """Takes the rows one after another. `keys` are those whose checkpoints count."""

    def __init__(self, keys: Iterable[PublicKey], attested: Iterable[Attested] = ()) -> None:
        self._keys = {key.id: key for key in keys}
        self._attested: dict[int, list[Attested]] = {}
        for one in attested:
            self._attested.setdefault(one.head.sequence, []).append(one)
        self.head = Head(0, START)
        self.count = 0
        self.checkpoint: Head | None = None

    def take(self, row: Mapping[str, Any]) -> Fault | None:
        """The next row; what is wrong with it, if anything."""
        try:
            self._check(row)
        except _Found as found:
            return found.fault
        return None

    def end(self) -> Fault | None:
        """After the last row: what is wrong with that being the last one."""
        for sequence in sorted(self._attested):
            if sequence > self.head.sequence:
                text = (
                    f"the journal ends at entry {self.head.sequence}, but "
                    f"{self._attested[sequence][0].by} knows entry {sequence}: the end is cut off"
                )
                return Fault(Wrong.TRUNCATED, self.head.sequence + 1, text)
        return None

    # --- one row ---

    def _check(self, row: Mapping[str, Any]) -> None:
        expected = self.head.sequence + 1
        if row["sequence"] != expected:
            raise _Found(Wrong.MISSING, expected, f"entry {expected} is missing")
        try:
            entry = Entry.stored(row)
        except NotAnEntry as error:
            text = f"entry {expected} has been edited: {error}"
            raise _Found(Wrong.EDITED, expected, text) from error
        self._check_hash(entry, row["hash"])
        for one in self._attested.get(expected, ()):
            if one.head.hash != row["hash"]:
                text = f"entry {expected} is not the one that {one.by} knows: it has been replaced"
                raise _Found(Wrong.REPLACED, expected, text)
        if entry.kind == Kind.JOURNAL_CHECKPOINT:
            self._check_signature(entry)
        self.head, self.count = Head(expected, row["hash"]), self.count + 1

    def _check_hash(self, entry: Entry, stored: object) -> None:
        number = entry.sequence
        if entry.hash != stored:
            place = _place_of(entry, stored)
            if place is not None:
                text = f"entry {number} was entry {place}: entries have been taken out or moved"
                raise _Found(Wrong.MOVED, number, text)
            text = f"entry {number} has been edited: its hash does not fit"
            raise _Found(Wrong.EDITED, number, text)
        if entry.previous != self.head.hash:
            text = f"entry {number} does not follow entry {number - 1}: one of them was put there"
            raise _Found(Wrong.REPLACED, number, text)

    def _check_signature(self, entry: Entry) -> None:
        number = entry.sequence
        try:
            checkpoint = Checkpoint.of_details(json.loads(entry.details))
        except (KeyError, ValueError, TypeError) as error:
            text = f"the checkpoint in entry {number} can't be read"
            raise _Found(Wrong.FOREIGN_SIGNATURE, number, text) from error
        key = self._keys.get(checkpoint.key_id)
        if key is None:
            text = (
                f"the checkpoint in entry {number} is signed by a foreign key, {checkpoint.key_id}"
            )
            raise _Found(Wrong.FOREIGN_SIGNATURE, number, text)
        if checkpoint.head != self.head or not key.signed(checkpoint):
            text = f"the checkpoint in entry {number} has a signature that is not for this journal"
            raise _Found(Wrong.FOREIGN_SIGNATURE, number, text)
        self.checkpoint = self.head


async def verify(
    connection: AsyncConnection, keys: Iterable[PublicKey], attested: Iterable[Attested] = ()
) -> Report:
    """Check the whole journal as it is at one moment; `connection` has not read anything yet."""
    await hold_still(connection)
    now = await standing(connection)
    known = list(attested)
    if now is not None and now.head.sequence:
        known.append(Attested(now.head, "the database's own head"))
    verifier = Verifier(keys, known)
    fault = await _first_fault(verifier, rows(connection, Wanted()))
    if fault is None and (now is None or now.head != verifier.head):
        text = f"the journal's head does not know entry {verifier.head.sequence}"
        fault = Fault(Wrong.REPLACED, verifier.head.sequence, text)
    return Report(verifier.count, verifier.head, verifier.checkpoint, fault)


async def _first_fault(verifier: Verifier, stored: AsyncIterator[dict[str, Any]]) -> Fault | None:
    async for row in stored:
        fault = verifier.take(row)
        if fault is not None:
            return fault
    return verifier.end()


def _place_of(entry: Entry, stored: object) -> int | None:
    """The number with which the entry has its hash, if it is one nearby."""
    for distance in range(1, _NEARBY):
        for place in (entry.sequence + distance, entry.sequence - distance):
            if replace(entry, sequence=place).hash == stored:
                return place
    return None
