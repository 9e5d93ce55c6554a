"""What is sealed opens for its purpose and its owner only; tickets live and work once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from vestibule.identity.private_file import PrivateFileRefused
from vestibule.identity.sealing import Sealing
from vestibule.identity.tickets import TICKET_SECONDS, Purpose, Tickets
from vestibule.store.engine import Store
from vestibule.store.writer import Writer

SEALING = Sealing(b"s" * 32)


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def tickets(sqlite_url: str, clock: Clock) -> AsyncIterator[Tickets]:
    store = Store(sqlite_url)
    await store.start()
    writer = Writer(store)
    yield Tickets(SEALING, writer, clock=clock)
    await writer.close()
    await store.close()


def test_what_is_sealed_comes_back() -> None:
    assert SEALING.open("a", SEALING.seal("a", b"secret", "alice"), "alice") == b"secret"


def test_no_other_purpose_owner_or_server_opens_it() -> None:
    sealed = SEALING.seal("a", b"secret", "alice")
    assert b"secret".hex() not in sealed
    assert SEALING.open("b", sealed, "alice") is None
    assert SEALING.open("a", sealed, "bob") is None
    assert Sealing(b"t" * 32).open("a", sealed, "alice") is None


@pytest.mark.parametrize("text", ["", "x", "é", "A" * 80, "====", "not base64 at all!"])
def test_nonsense_opens_to_nothing(text: str) -> None:
    assert SEALING.open("a", text, "alice") is None


def test_marks_differ_by_purpose_and_text() -> None:
    marks = {SEALING.mark(purpose, text) for purpose in ("a", "b") for text in ("x", "y")}
    assert len(marks) == 4


def test_the_key_file_is_made_once_and_refused_if_others_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "sealing.key"
    sealed = Sealing.load_or_create(path).seal("a", b"secret", "alice")
    assert Sealing.load_or_create(path).open("a", sealed, "alice") == b"secret"
    path.chmod(0o640)
    with pytest.raises(PrivateFileRefused):
        Sealing.load_or_create(path)


async def test_a_ticket_is_read_by_its_browser_and_purpose_only(tickets: Tickets) -> None:
    ticket = tickets.issue(Purpose.AFTER_PASSWORD, "browser", person_id="p", content="c")
    assert tickets.read(Purpose.AFTER_PASSWORD, "browser", ticket.text) == ticket
    assert tickets.read(Purpose.AFTER_PASSWORD, "another", ticket.text) is None
    assert tickets.read(Purpose.STEP_UP, "browser", ticket.text) is None
    assert tickets.read(Purpose.AFTER_PASSWORD, "", ticket.text) is None
    assert tickets.read(Purpose.AFTER_PASSWORD, "browser", "x" * 5000) is None


async def test_a_ticket_lives_ten_minutes(tickets: Tickets, clock: Clock) -> None:
    ticket = tickets.issue(Purpose.STEP_UP, "browser")
    clock.now += TICKET_SECONDS
    assert tickets.read(Purpose.STEP_UP, "browser", ticket.text) is None


async def test_a_ticket_is_spent_once_however_it_is_spelled(tickets: Tickets) -> None:
    ticket = tickets.issue(Purpose.STEP_UP, "browser")
    respelled = tickets.read(Purpose.STEP_UP, "browser", ticket.text[:9] + "!" + ticket.text[9:])
    assert await tickets.spend(ticket)
    assert not await tickets.spend(ticket)
    assert respelled is None or not await tickets.spend(respelled)


async def test_challenges_can_t_be_foreseen_and_never_come_twice(tickets: Tickets) -> None:
    issued = [tickets.issue(Purpose.PASSKEY_SIGN_IN, "browser") for _ in range(3)]
    assert len({ticket.challenge for ticket in issued}) == 3
    assert all(len(ticket.challenge) == 32 for ticket in issued)
