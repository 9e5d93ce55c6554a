"""Notes become entries: at once taken, soon written, in one chain whoever writes (DESIGN 4.11)."""

import asyncio
import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.unit.journal.bench import Bench
from vestibule.journal import journal as module
from vestibule.journal.checkpoints import CheckpointFile, Signer
from vestibule.journal.flood import FIRST, INTERVAL
from vestibule.journal.journal import (
    CHECKPOINT_ENTRIES,
    CHECKPOINT_SECONDS,
    Clocks,
    Journal,
    JournalFull,
)
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note
from vestibule.store.engine import Store
from vestibule.store.writer import Writer

ADDED = Note(Kind.PERSON_ADDED, tenant="t1", subject="sip:alice@d.test")
REFUSED = Note(Kind.PROOF_REFUSED, address="192.0.2.66")


async def test_a_note_is_written_soon(bench: Bench) -> None:
    bench.journal.start()
    bench.journal.note(ADDED)
    async with asyncio.timeout(20):
        while not (written := await bench.entries()):
            pass
    (stored,) = written
    assert stored.entry.subject == "sip:alice@d.test"
    assert stored.entry.time == 1_800_000_000_000_000


async def test_what_was_noted_before_the_start_is_not_lost(bench: Bench) -> None:
    bench.journal.note(ADDED)
    bench.journal.start()
    await bench.journal.close()
    assert len(await bench.entries()) == 1


async def test_threads_may_note(bench: Bench) -> None:
    bench.journal.start()
    threads = [threading.Thread(target=bench.journal.note, args=(ADDED,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await bench.journal.close()
    assert len(await bench.entries()) == 20


async def test_several_writers_lengthen_one_chain(bench: Bench, url: str) -> None:
    """Commands beside a running server: each with connections of its own."""
    stores = [Store(url) for _ in range(3)]

    async def write(store: Store, process: str) -> None:
        writer = Writer(store)
        journal = Journal(writer, bench.folder, process)
        journal.start()
        for _ in range(30):
            journal.note(ADDED)
            async with store.begin() as connection:
                await journal.record(connection, ADDED)
        await journal.close()
        await writer.close()
        await store.close()

    await asyncio.gather(*(write(store, f"p{n}") for n, store in enumerate(stores)))
    report = await bench.verify()
    assert report.fault is None
    written = await bench.entries()
    assert len(written) == 180
    assert {stored.entry.actor for stored in written} == {"p0", "p1", "p2"}


async def test_a_change_and_its_record_stand_or_fall_together(bench: Bench) -> None:
    async def change(*, fails: bool) -> None:
        async with bench.store.begin() as connection:
            await bench.journal.record(connection, ADDED)
            if fails:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        await change(fails=True)
    assert await bench.entries() == []
    await change(fails=False)
    assert len(await bench.entries()) == 1
    assert (await bench.verify()).fault is None


@pytest.mark.parametrize("statement", ["UPDATE journal SET actor = 'eve'", "DELETE FROM journal"])
async def test_the_database_itself_takes_no_change_or_removal(bench: Bench, statement: str) -> None:
    await bench.wrote(Kind.PERSON_ADDED)
    with pytest.raises(DBAPIError, match="append-only"):
        async with bench.store.begin() as connection:
            await connection.execute(text(statement))


# --- checkpoints ---


async def test_closing_seals_what_is_there_once(bench: Bench) -> None:
    await bench.wrote(Kind.PERSON_ADDED)
    await bench.wrote()
    kinds = [row["kind"] for row in await bench.rows()]
    assert kinds == ["person.added", "journal.checkpoint"]


async def test_a_checkpoint_comes_after_so_many_entries(bench: Bench) -> None:
    for _ in range(CHECKPOINT_ENTRIES):
        bench.journal.note(ADDED)
    await bench.journal.write()
    first = len(await bench.entries(Kind.JOURNAL_CHECKPOINT))
    for _ in range(CHECKPOINT_ENTRIES):
        bench.journal.note(ADDED)
    await bench.journal.write()
    assert len(await bench.entries(Kind.JOURNAL_CHECKPOINT)) == first + 1


async def test_a_checkpoint_comes_after_some_time_if_there_is_anything_new(bench: Bench) -> None:
    bench.journal.note(ADDED)
    await bench.journal.write()
    before = len(await bench.rows())
    bench.journal.note(ADDED)
    await bench.journal.write()
    assert len(await bench.rows()) == before + 1
    bench.now += CHECKPOINT_SECONDS
    await bench.journal.write()
    assert len(await bench.rows()) == before + 2
    bench.now += CHECKPOINT_SECONDS
    await bench.journal.write()
    assert len(await bench.rows()) == before + 2


async def test_the_key_is_its_owners_only_and_stays(bench: Bench) -> None:
    await bench.wrote(Kind.PERSON_ADDED)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in bench.folder.iterdir()}
    assert modes == {"signing.key": 0o600, "checkpoint.json": 0o600}
    assert Signer(bench.folder).public_key().id == bench.journal.signer.public_key().id


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    Signer(tmp_path).public_key()
    (tmp_path / "signing.key").chmod(0o640)
    with pytest.raises(PermissionError):
        Signer(tmp_path).public_key()


async def test_the_checkpoint_outside_is_kept_once_the_journal_denies_it(bench: Bench) -> None:
    await bench.wrote(Kind.PERSON_ADDED, Kind.PERSON_DISABLED)
    kept = CheckpointFile(bench.folder).read()
    await bench.tamper(
        "DELETE FROM journal",
        f"UPDATE journal_head SET sequence = 0, hash = '{'0' * 64}', sealed = 0",
    )
    await bench.wrote(Kind.PERSON_ADDED, Kind.PERSON_ENABLED)
    assert CheckpointFile(bench.folder).read() == kept
    assert (await bench.verify()).fault is None, "which is why the old one must stay"


# --- floods and failures ---


async def test_a_flood_neither_drops_earlier_evidence_nor_grows_without_bound(
    bench: Bench,
) -> None:
    bench.journal.note(ADDED)
    for _ in range(5000):
        bench.journal.note(REFUSED)
    bench.journal.note(Note(Kind.SIGN_IN_ACCEPTED, actor="sip:alice@d.test"))
    await bench.journal.write()
    bench.now += INTERVAL
    await bench.journal.write()
    written = [stored.entry for stored in await bench.entries()]
    kinds = [entry.kind for entry in written]
    assert kinds == [
        "person.added",
        *["proof.refused"] * FIRST,
        "sign-in.accepted",
        "proof.refused",
    ]
    assert f'"count":"{5000 - FIRST}"' in written[-1].details


async def test_reuse_of_a_token_is_never_only_counted(bench: Bench) -> None:
    for _ in range(100):
        bench.journal.note(Note(Kind.TOKEN_REUSED, address="192.0.2.66"))
    await bench.journal.write()
    assert len(await bench.entries()) == 100


async def test_where_too_much_waits_nobody_is_let_in_but_all_else_is_taken(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    for _ in range(3):
        bench.journal.note(ADDED)
    with pytest.raises(JournalFull):
        bench.journal.note(Note(Kind.SIGN_IN_ACCEPTED))
    for taken in (REFUSED, Note(Kind.SIGN_OUT), Note(Kind.DEVICE_REVOKED)):
        bench.journal.note(taken)
    await bench.journal.write()
    assert len(await bench.entries()) == 6


async def test_refusals_that_find_no_room_are_counted_for_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_REFUSALS_WAITING", 1)
    bench.journal.note(ADDED)
    bench.journal.note(REFUSED)
    await bench.journal.write(at_once=True)
    stored = (await bench.entries())[-1].entry
    assert (stored.kind, stored.details) == ("proof.refused", '{"count":"1","seconds":"1"}')


class FailingWriter(Writer):
    """A store that is away for a while."""

    away = True

    async def submit(self, act):  # type: ignore[no-untyped-def]
        if self.away:
            raise ConnectionError("away")
        return await super().submit(act)


async def test_what_a_store_that_was_away_did_not_take_is_written_in_order_later(
    bench: Bench,
) -> None:
    writer = FailingWriter(bench.store)
    clocks = Clocks(wall=lambda: bench.now, monotonic=lambda: bench.now)
    journal = Journal(writer, bench.folder, "server", clocks=clocks)
    for number in range(450):
        journal.note(Note(Kind.DEVICE_ENROLLED, details={Detail.DEVICE: str(number)}))
    with pytest.raises(ConnectionError):
        await journal.write()
    writer.away = False
    await journal.write()
    details = [stored.entry.details for stored in await bench.entries()]
    assert details == [f'{{"device":"{number}"}}' for number in range(450)]


async def test_the_writing_task_outlives_a_failure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.0)
    writer = FailingWriter(bench.store)
    tried = asyncio.Event()
    journal = Journal(writer, bench.folder, "server")
    monkeypatch.setattr(module, "TICK_SECONDS", 0.001)
    journal.start()
    journal.note(ADDED)

    async def submit(act):  # type: ignore[no-untyped-def]
        tried.set()
        raise ConnectionError("away")

    monkeypatch.setattr(writer, "submit", submit)
    await asyncio.wait_for(tried.wait(), 10)
    monkeypatch.undo()
    writer.away = False
    journal.note(ADDED)
    await journal.close()
    assert len(await bench.entries()) == 2


async def test_noting_never_touches_the_store(bench: Bench) -> None:
    """The message path must not wait: nothing is written until the event loop goes on."""
    bench.journal.start()

    async def count(connection: AsyncConnection) -> int:
        found = await connection.execute(text("SELECT count(*) FROM journal"))
        return int(found.scalar_one())

    async with bench.store.begin() as connection:  # whoever wrote now would have to wait
        for _ in range(500):
            bench.journal.note(ADDED)
        assert await count(connection) == 0
    await bench.journal.close()
    assert len(await bench.entries()) == 500
