"""When lists of other authorities are fetched, kept, renewed and let go; time is passed in."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.certificates import DAY, TestAuthority, revocation_list
from tests.unit.pki.deployment import Clock
from vestibule.pki.foreign_lists import ForeignLists

URL = "https://crl.test/issuer.crl"
THEIRS = TestAuthority("Their")


class Kept:
    """Lists whose web is a dictionary."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.web: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.wanted: list[str] = []
        self.uses = 0
        self.lists = ForeignLists(
            folder / "lists",
            wanted=self._take_wanted,
            fetch=self._fetch,
            on_change=self._use,
            own=("https://ours.test/pki/",),
            clock=clock,
        )
        (folder / "lists").mkdir(mode=0o700, exist_ok=True)

    async def look(self, *wanted: str) -> None:
        self.wanted += wanted
        await self.lists.look()

    def _take_wanted(self) -> list[str]:
        taken, self.wanted = self.wanted, []
        return taken

    async def _fetch(self, url: str) -> bytes:
        self.asked[url] += 1
        return self.web[url]  # a KeyError is as good a failure as any

    def _use(self) -> None:
        self.uses += 1


@pytest.fixture
def kept(tmp_path: Path, clock: Clock) -> Kept:
    return Kept(tmp_path, clock)


def a_list(**how: timedelta) -> bytes:
    return revocation_list(THEIRS.issuer, **({"begins": -DAY, "ends": 3 * DAY} | how))  # type: ignore[arg-type]


async def test_what_is_wanted_is_fetched_once_and_used(kept: Kept) -> None:
    kept.web[URL] = a_list()
    await kept.look(URL)
    await kept.look()
    assert kept.lists.lists_der() == [kept.web[URL]]
    assert (kept.asked[URL], kept.uses) == (1, 1)


@pytest.mark.parametrize(
    "url", ["https://ours.test/pki/issuing.crl", "ldap://crl.test/", "file:///etc/passwd", ""]
)
async def test_what_is_ours_or_no_web_address_is_not(kept: Kept, url: str) -> None:
    await kept.look(url)
    assert not kept.asked


async def test_the_next_list_is_fetched_ahead_of_time(kept: Kept, clock: Clock) -> None:
    kept.web[URL] = a_list()
    await kept.look(URL)
    clock.pass_by(1.9 * DAY)
    await kept.look()
    assert kept.asked[URL] == 1
    clock.pass_by(0.2 * DAY)
    kept.web[URL] = a_list(begins=DAY, ends=9 * DAY)
    await kept.look()
    assert kept.lists.lists_der() == [kept.web[URL]]
    assert (kept.asked[URL], kept.uses) == (2, 2)


async def test_a_list_that_can_not_be_renewed_serves_to_its_end_and_no_longer(
    kept: Kept, clock: Clock
) -> None:
    kept.web[URL] = a_list()
    await kept.look(URL)
    kept.web.clear()
    clock.pass_by(2.9 * DAY)
    await kept.look()
    assert len(kept.lists.lists_der()) == 1
    clock.pass_by(0.2 * DAY)
    await kept.look()
    assert kept.lists.lists_der() == []
    assert kept.uses == 2


async def test_a_failure_is_not_repeated_at_once_but_again_and_again(
    kept: Kept, clock: Clock
) -> None:
    for _ in range(5):
        await kept.look(URL)
    assert kept.asked[URL] == 1
    clock.pass_by(timedelta(seconds=31))
    await kept.look()
    await kept.look()
    assert kept.asked[URL] == 2
    kept.web[URL] = a_list()
    clock.pass_by(timedelta(hours=1))
    await kept.look()
    assert len(kept.lists.lists_der()) == 1


@pytest.mark.parametrize("what", ["an older list", "another issuer's"])
async def test_a_list_is_not_displaced_by_less(kept: Kept, clock: Clock, what: str) -> None:
    kept.web[URL] = good = a_list()
    await kept.look(URL)
    clock.pass_by(2.5 * DAY)
    kept.web[URL] = {
        "an older list": a_list(begins=-2 * DAY, ends=9 * DAY),
        "another issuer's": revocation_list(TestAuthority("Other").issuer),
    }[what]
    await kept.look()
    assert kept.asked[URL] == 2
    assert kept.lists.lists_der() == [good]


async def test_a_list_that_was_no_good_to_a_handshake_is_fetched_anew(
    kept: Kept, clock: Clock
) -> None:
    """Say it was played to us signed by another: what is right now may look older."""
    kept.web[URL] = a_list(begins=-timedelta(hours=1))
    await kept.look(URL)
    kept.web[URL] = right = a_list()
    clock.pass_by(timedelta(minutes=1))
    await kept.look(URL)
    assert kept.lists.lists_der() == [right]


async def test_there_is_an_end_to_how_many_are_kept(kept: Kept) -> None:
    await kept.look(*(f"https://crl.test/{number}" for number in range(300)))
    assert len(kept.asked) == 256
