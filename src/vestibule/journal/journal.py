"""The journal of one process: takes notes at once, writes them soon, seals the chain now and then.

`note` never waits for the database. What it takes is kept until it is written: refusals that come
in floods are counted (`flood.py`), everything else is written one by one. Should the store be away
for so long that `MOST_WAITING` notes wait, nobody is let in any more rather than unrecorded. What takes
something away, or has happened already, is taken even then: there is little of it.
"""

import asyncio
import contextlib
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from vestibule.journal import chain
from vestibule.journal.chain import Standing
from vestibule.journal.checkpoints import Checkpoint, CheckpointFile, Signer
from vestibule.journal.entry import Noted
from vestibule.journal.flood import Flood
from vestibule.journal.kinds import GIVES
from vestibule.journal.note import Note
from vestibule.store.writer import Writer

CHECKPOINT_ENTRIES = 500
"""Entries after which a checkpoint is due."""

CHECKPOINT_SECONDS = 300.0
"""Seconds after which one is due if there is anything new."""

TICK_SECONDS = 5.0
RETRY_SECONDS = 1.0
MOST_WAITING = 100_000
MOST_REFUSALS_WAITING = 10_000
_BATCH = 200
_log = structlog.get_logger(__name__)


class JournalFull(RuntimeError):
    """Too much waits to be written: the act must not go on unrecorded."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """`wall` in seconds since 1970, `monotonic` in seconds since whenever."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


class Journal:
    """Takes notes from any thread; `start` and `close` in the event loop that writes them.

    `folder` is for the signing key and the newest checkpoint; `process` names who does what no note
    names an actor for, such as `server`; `source_of` gives the part of an address that one
    subscriber holds.
    """

    def __init__(
        self,
        writer: Writer,
        folder: Path,
        process: str,
        *,
        source_of: Callable[[str], str] = str,
        clocks: Clocks | None = None,
    ) -> None:
        self.signer = Signer(folder)
        self._file = CheckpointFile(folder)
        self._writer = writer
        self._process = process
        self._clocks = clocks or Clocks()
        self._flood = Flood(source_of, self._clocks.monotonic())
        self._waiting: deque[Noted] = deque()
        self._lock = threading.Lock()
        self.noted: Counter[str] = Counter()
        """How many were taken, by kind, those among them that a count stands for too."""
        self._standing: Standing | None = None
        self._unsealed = False
        self._wake = asyncio.Event()
        self._awake = False
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    # --- taking notes ---

    def note(self, note: Note) -> None:
        """Take a note. Raises JournalFull."""
        with self._lock:
            waiting = len(self._waiting)
            self.noted[note.kind.value] += 1
            if note.may_be_counted:
                if not self._flood.passes(note, room=waiting < MOST_REFUSALS_WAITING):
                    return
            elif waiting >= MOST_WAITING and note.kind in GIVES:
                raise JournalFull(f"{waiting} notes wait for the store")
            self._waiting.append(self._noted(note))
            if self._awake or self._loop is None:
                return
            self._awake = True
        self._loop.call_soon_threadsafe(self._wake.set)

    async def record(self, connection: AsyncConnection, note: Note) -> None:
        """Append a note within a transaction: it stands if and only if the transaction does."""
        await chain.append(connection, [self._noted(note)])
        self._unsealed = True

    # --- life ---

    def start(self) -> None:
        """Begin to write what was noted, and is."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Write and seal everything. What can't be written is counted in the log."""
        if self._task is None:
            return
        self._closing = True
        self._wake.set()
        await self._task
        self._task = self._loop = None
        try:
            await self.write(at_once=True)
            if self._unsealed:
                await self._seal()
        except Exception:
            _log.exception("journal.close_failed", not_written=len(self._waiting))

    async def write(self, *, at_once: bool = False) -> None:
        """Write what waits, and the sums that are due; seal if that is due. Raises what the store raises.

        `at_once`: don't wait for the interval of sums to end.
        """
        with self._lock:
            self._awake = False
            sums = self._flood.summaries(self._clocks.monotonic(), at_once=at_once)
            self._waiting.extend(map(self._noted, sums))
        while batch := self._take():
            try:
                self._standing = await self._writer.submit(partial(chain.append, noted=batch))
            except BaseException:
                self._put_back(batch)
                raise
            self._unsealed = True
        if self._unsealed and self._is_due():
            await self._seal()

    # --- inside ---

    async def _run(self) -> None:
        while not self._closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), TICK_SECONDS)
            self._wake.clear()
            try:
                await self.write()
            except Exception:  # kept, and tried again
                _log.exception("journal.write_failed", waiting=len(self._waiting))
                await asyncio.sleep(RETRY_SECONDS)

    def _noted(self, note: Note) -> Noted:
        return Noted(note, self._now(), self._process)

    def _now(self) -> int:
        return int(self._clocks.wall() * 1_000_000)

    def _take(self) -> list[Noted]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]

    def _put_back(self, batch: list[Noted]) -> None:
        with self._lock:
            self._waiting.extendleft(reversed(batch))

    def _is_due(self) -> bool:
        if self._standing is None:
            return False
        age = (self._now() - self._standing.sealed_at) / 1_000_000
        return self._standing.unsealed >= CHECKPOINT_ENTRIES or age >= CHECKPOINT_SECONDS

    async def _seal(self) -> None:
        kept = self._file.read()

        async def act(connection: AsyncConnection) -> tuple[Checkpoint | None, bool]:
            good = kept is None or await chain.holds(connection, kept.head)
            sealed = await chain.seal(connection, self.signer, self._now(), self._process)
            return sealed, good

        checkpoint, good = await self._writer.submit(act)
        self._unsealed = False
        if not good:  # the old one is evidence: it stays
            _log.error("journal.damaged", checkpoint=str(self._file.path))
        elif checkpoint is not None:
            self._file.write(checkpoint)
