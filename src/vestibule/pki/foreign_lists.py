"""Revocation lists of authorities that are not ours: fetched, kept, renewed ahead of time (K5).

Whether a list is signed by whom it should be, the edge decides at each handshake; here it only has
to be one that is in force and not older than what we hold. What can't be had is missing, and a
certificate whose list is missing is refused.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509

from vestibule.pki.certificates import utc_now
from vestibule.pki.files import private_folder, write_private

Fetch = Callable[[str], Awaitable[bytes]]

LOOK_SECONDS = 1.0
MOST_LISTS = 256
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(hours=1)
_log = structlog.get_logger(__name__)


class UnfitList(Exception):
    """What was fetched is no revocation list that is in force."""


@dataclass(frozen=True, slots=True)
class HeldList:
    """A list and its times."""

    der: bytes
    issuer: bytes
    begins: datetime
    ends: datetime

    @classmethod
    def from_der(cls, der: bytes, now: datetime) -> "HeldList":
        """Read a list. Raises UnfitList."""
        try:
            crl = x509.load_der_x509_crl(der)
            ends = crl.next_update_utc
            issuer = crl.issuer.public_bytes()
            begins = crl.last_update_utc
        except ValueError as error:
            raise UnfitList("not a revocation list") from error
        if ends is None or ends <= now:
            raise UnfitList("past its time")
        return cls(der, issuer, begins, ends)

    def is_due(self, now: datetime) -> bool:
        """Whether a quarter of its life is left, at most: time to look for the next."""
        return self.ends - now <= (self.ends - self.begins) / 4


@dataclass(slots=True)
class _Place:
    """A distribution point: what it gave, and when to ask again."""

    held: HeldList | None = None
    not_before: datetime | None = None
    wait: timedelta = _FIRST_WAIT
    doubted: bool = False
    """Held, and yet a handshake lacked it: it was not signed by whom it should be."""


class ForeignLists:
    """Keeps the lists of the distribution points that peers' certificates name.

    `wanted` tells of points whose list a handshake lacked, `fetch` gets what is at one, `on_change`
    puts the lists into use. Points that begin with one of `own` are ours and not fetched.
    """

    def __init__(
        self,
        folder: Path,
        *,
        wanted: Callable[[], Iterable[str]],
        fetch: Fetch,
        on_change: Callable[[], None],
        own: tuple[str, ...] = (),
        clock: Callable[[], datetime] = utc_now,
        every: float = LOOK_SECONDS,
    ) -> None:
        self._folder = folder
        self._wanted = wanted
        self._fetch = fetch
        self._on_change = on_change
        self._own = own
        self._clock = clock
        self._every = every
        self._places: dict[str, _Place] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self, known: Iterable[str] = ()) -> None:
        """Take what an earlier run kept and begin to look. `known` points are fetched at once."""
        for url in known:
            self._add(url)
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def lists_der(self) -> list[bytes]:
        """Every list that we hold."""
        return [place.held.der for place in self._places.values() if place.held]

    async def look(self) -> None:
        """Fetch what is wanted or due; put it into use if anything came of it."""
        now = self._clock()
        changed = self._drop_expired(now)
        for url in self._wanted():
            changed |= self._add(url)
        due = [url for url, place in self._places.items() if _is_due(place, now)]
        changed |= any(await asyncio.gather(*map(self._renew, due)))
        if changed:
            self._on_change()

    # --- inside ---

    def _add(self, url: str) -> bool:
        """Know a point; whether an earlier run kept its list."""
        if known := self._places.get(url):
            known.doubted = known.held is not None
            return False
        if url.startswith(self._own) or not url.startswith(("http://", "https://")):
            return False
        if len(self._places) >= MOST_LISTS:
            _log.warning("pki.too_many_lists", url=url)
            return False
        place = self._places[url] = _Place()
        with contextlib.suppress(OSError, UnfitList):
            place.held = HeldList.from_der(self._file(url).read_bytes(), self._clock())
        return place.held is not None

    def _drop_expired(self, now: datetime) -> bool:
        gone = [place for place in self._places.values() if place.held and place.held.ends <= now]
        for place in gone:
            place.held = None
        return bool(gone)

    async def _renew(self, url: str) -> bool:
        place = self._places[url]
        now = self._clock()
        try:
            fresh = HeldList.from_der(await self._fetch(url), now)
            _refuse_older(fresh, None if place.doubted else place.held)
        except Exception as error:  # whatever it was: what is held stays until its end
            place.not_before, place.wait = now + place.wait, min(place.wait * 2, _LONGEST_WAIT)
            _log.warning("pki.list_not_fetched", url=url, reason=str(error))
            return False
        changed = place.held is None or place.held.der != fresh.der
        place.doubted = False
        # Its authority may be late with the next one: then ask again, but not all the time.
        place.held, place.not_before, place.wait = fresh, now + _FIRST_WAIT, _FIRST_WAIT
        if changed:
            await asyncio.to_thread(self._keep, url, fresh.der)
            _log.info("pki.list_fetched", url=url, ends=fresh.ends.isoformat())
        return changed

    def _keep(self, url: str, der: bytes) -> None:
        private_folder(self._folder)
        write_private(self._file(url), der)

    def _file(self, url: str) -> Path:
        return self._folder / f"{hashlib.sha256(url.encode()).hexdigest()}.crl"

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # a disk that is full, say; the next look tries again
                _log.exception("pki.lists_not_looked_at")
            await asyncio.sleep(self._every)


def _is_due(place: _Place, now: datetime) -> bool:
    if place.not_before is not None and now < place.not_before:
        return False
    return place.held is None or place.doubted or place.held.is_due(now)


def _refuse_older(fresh: HeldList, held: HeldList | None) -> None:
    """An old list, played back, or another's must not displace what we hold."""
    if held is not None and (fresh.issuer != held.issuer or fresh.begins < held.begins):
        raise UnfitList("older than what we hold, or of another issuer")
