"""Whatever is done to stored entries is found, and the first bad one is named (ATTACKS 67)."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.journal.bench import Bench, chain_of
from vestibule.journal.checkpoints import Checkpoint, PublicKey, Signer
from vestibule.journal.entry import START, Entry, Head, Noted
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note
from vestibule.journal.verification import Attested, Fault, Verifier, Wrong

Rows = list[dict[str, Any]]
_EVENTS = [
    Note(Kind.SIGN_IN_ACCEPTED, tenant="t1", actor="sip:alice@d.test", address="192.0.2.1"),
    Note(Kind.POLICY_CHANGED, details={Detail.SETTING: "access", Detail.AFTER: "anyone"}),
    Note(Kind.SIGN_IN_REFUSED, address="192.0.2.66"),
] * 3


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("journal") / "keys")


@pytest.fixture(scope="module")
def chain(signer: Signer) -> Rows:
    """Nine events, a checkpoint, nine events."""
    before = chain_of(*_EVENTS)
    checkpoint = signer.sign(Head(len(before), before[-1]["hash"]))
    return chain_of(*_EVENTS, sealing(checkpoint), *_EVENTS)


def sealing(checkpoint: Checkpoint) -> Note:
    return Note(Kind.JOURNAL_CHECKPOINT, details=checkpoint.details())


def head_of(rows: Rows) -> Attested:
    return Attested(Head(rows[-1]["sequence"], rows[-1]["hash"]), "a note elsewhere")


def fault_in(rows: Rows, key: PublicKey, *attested: Attested) -> Fault | None:
    verifier = Verifier([key], attested)
    for row in rows:
        fault = verifier.take(row)
        if fault is not None:
            return fault
    return verifier.end()


def renumbered(rows: Rows) -> Rows:
    return [row | {"sequence": number} for number, row in enumerate(rows, 1)]


def made_anew(rows: Rows, since: int) -> Rows:
    """The chain with every hash from some entry on computed again, as a forger would."""
    done = rows[: since - 1]
    for row in rows[since - 1 :]:
        previous = done[-1]["hash"] if done else START
        entry = Entry.stored(row | {"sequence": len(done) + 1, "previous": previous})
        done.append(entry.row())
    return done


def test_a_whole_chain_is_good(chain: Rows, signer: Signer) -> None:
    verifier = Verifier([signer.public_key()], [head_of(chain)])
    assert [verifier.take(row) for row in chain] == [None] * 19
    assert verifier.end() is None
    assert (verifier.count, verifier.checkpoint) == (19, Head(9, chain[8]["hash"]))


_VALUES = st.none() | st.text(max_size=8) | st.integers(-9, 99) | st.binary(max_size=3)


@given(place=st.integers(0, 18), data=st.data())
def test_any_edit_of_any_field_is_found_at_its_entry(
    chain: Rows, signer: Signer, place: int, data: st.DataObject
) -> None:
    column = data.draw(st.sampled_from([name for name in chain[0] if name != "sequence"]))
    value = data.draw(_VALUES.filter(lambda value: value != chain[place][column]))
    rows = [*chain[:place], chain[place] | {column: value}, *chain[place + 1 :]]
    fault = fault_in(rows, signer.public_key())
    assert fault is not None
    assert fault.sequence == place + 1


@given(place=st.integers(0, 18), renumber=st.booleans())
def test_any_removal_is_found(chain: Rows, signer: Signer, place: int, renumber: bool) -> None:
    rows = chain[:place] + chain[place + 1 :]
    fault = fault_in(renumbered(rows) if renumber else rows, signer.public_key(), head_of(chain))
    assert fault is not None
    assert fault.sequence == place + 1
    if place < 18:
        assert fault.wrong is (Wrong.MOVED if renumber else Wrong.MISSING)
    else:
        assert fault.wrong is Wrong.TRUNCATED


@given(st.permutations(range(19)).filter(lambda order: order != list(range(19))))
def test_any_other_order_is_found(chain: Rows, signer: Signer, order: list[int]) -> None:
    fault = fault_in(renumbered([chain[place] for place in order]), signer.public_key())
    assert fault is not None
    first = next(place for place, came_from in enumerate(order) if place != came_from)
    assert (fault.wrong, fault.sequence) == (Wrong.MOVED, first + 1)


@given(place=st.integers(0, 18), copied=st.integers(0, 18))
def test_any_insertion_is_found(chain: Rows, signer: Signer, place: int, copied: int) -> None:
    rows = renumbered([*chain[:place], chain[copied], *chain[place:]])
    fault = fault_in(rows, signer.public_key())
    assert fault is not None
    assert place + 1 <= fault.sequence <= place + 2


@settings(max_examples=40)
@given(place=st.integers(1, 19), cut=st.booleans())
def test_a_chain_made_anew_is_betrayed_by_its_signature_or_a_head_kept_elsewhere(
    chain: Rows, signer: Signer, place: int, cut: bool
) -> None:
    rows = [*chain[: place - 1], chain[place - 1] | {"actor": "sip:mallory@d.test"}, *chain[place:]]
    forged = made_anew(rows[: -1 if cut and place < 19 else None], place)
    fault = fault_in(forged, signer.public_key(), head_of(chain))
    assert fault is not None
    if place < 10:
        assert (fault.wrong, fault.sequence) == (Wrong.FOREIGN_SIGNATURE, 10)


def test_a_checkpoint_by_another_key_is_foreign(
    chain: Rows, signer: Signer, tmp_path: Path
) -> None:
    stranger = Signer(tmp_path / "stranger")
    rows = chain_of(*_EVENTS, sealing(stranger.sign(Head(9, chain[8]["hash"]))))
    fault = fault_in(rows, signer.public_key())
    assert fault is not None
    assert (fault.wrong, fault.sequence) == (Wrong.FOREIGN_SIGNATURE, 10)
    assert stranger.public_key().id in fault.text
    assert fault_in(rows, PublicKey.read(stranger.public_key().pem())) is None


def test_a_good_signature_of_another_journal_is_not_taken(chain: Rows, signer: Signer) -> None:
    elsewhere = signer.sign(Head(9, "f" * 64))
    fault = fault_in(chain_of(*_EVENTS, sealing(elsewhere)), signer.public_key())
    assert fault is not None
    assert (fault.wrong, fault.sequence) == (Wrong.FOREIGN_SIGNATURE, 10)


def test_a_lying_key_id_does_not_help(chain: Rows, signer: Signer, tmp_path: Path) -> None:
    by_stranger = Signer(tmp_path / "stranger").sign(Head(9, chain[8]["hash"]))
    lying = Checkpoint(by_stranger.head, signer.public_key().id, by_stranger.signature)
    fault = fault_in(chain_of(*_EVENTS, sealing(lying)), signer.public_key())
    assert fault is not None
    assert fault.wrong is Wrong.FOREIGN_SIGNATURE


# --- on both databases ---

_SOME = (Kind.PERSON_ADDED, Kind.DEVICE_ENROLLED, Kind.PERSON_DISABLED)


async def test_an_untouched_journal_verifies(bench: Bench) -> None:
    await bench.wrote(*_SOME)
    await bench.wrote(*_SOME)
    report = await bench.verify()
    assert report.fault is None
    assert (report.count, report.checkpoint is not None) == (8, True)


async def test_an_empty_journal_verifies(bench: Bench) -> None:
    report = await bench.verify()
    assert (report.fault, report.count, report.head) == (None, 0, Head(0, START))


@pytest.mark.parametrize(
    ("statement", "wrong", "sequence"),
    [
        ("UPDATE journal SET actor = 'eve' WHERE sequence = 2", Wrong.EDITED, 2),
        ("UPDATE journal SET time = time - 1 WHERE sequence = 3", Wrong.EDITED, 3),
        ("DELETE FROM journal WHERE sequence = 1", Wrong.MISSING, 1),
        ("DELETE FROM journal WHERE sequence = 6", Wrong.MISSING, 6),
        ("DELETE FROM journal WHERE sequence > 5", Wrong.TRUNCATED, 6),
        ("DELETE FROM journal", Wrong.TRUNCATED, 1),
        ("DELETE FROM journal_head", Wrong.REPLACED, 8),
    ],
)
async def test_tampering_with_the_table_is_found(
    bench: Bench, statement: str, wrong: Wrong, sequence: int
) -> None:
    await bench.wrote(*_SOME)
    await bench.wrote(*_SOME)
    await bench.tamper(statement)
    fault = (await bench.verify()).fault
    assert fault is not None
    assert (fault.wrong, fault.sequence) == (wrong, sequence)


async def test_cutting_off_the_end_and_mending_the_head_is_found_by_who_knew_it(
    bench: Bench,
) -> None:
    await bench.wrote(*_SOME)
    kept = (await bench.rows())[3]
    await bench.wrote(*_SOME)
    known = Attested((await bench.verify()).head, "--head")
    await bench.tamper(
        "DELETE FROM journal WHERE sequence > 4",
        f"UPDATE journal_head SET sequence = 4, hash = '{kept['hash']}', sealed = 4",
    )
    assert (await bench.verify()).fault is None, "the database alone can't tell"
    fault = (await bench.verify(known)).fault
    assert fault is not None
    assert (fault.wrong, fault.sequence) == (Wrong.TRUNCATED, 5)
    await bench.wrote(*_SOME, *_SOME)
    fault = (await bench.verify(known)).fault
    assert fault is not None
    assert (fault.wrong, fault.sequence) == (Wrong.REPLACED, 8)


async def test_an_entry_put_at_the_end_without_the_head_is_found(bench: Bench) -> None:
    await bench.wrote(*_SOME)
    last = (await bench.rows())[-1]
    noted = Noted(Note(Kind.PERSON_ENABLED), 1, "eve")
    forged = Entry.after(Head(last["sequence"], last["hash"]), noted)
    columns = {name: value for name, value in forged.row().items() if value is not None}
    values = ", ".join(f"'{value}'" for value in columns.values())
    await bench.tamper(f"INSERT INTO journal ({', '.join(columns)}) VALUES ({values})")
    fault = (await bench.verify()).fault
    assert fault is not None
    assert fault.sequence == 5
