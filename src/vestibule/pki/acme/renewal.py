"""The public certificate ordered, renewed ahead of its end, and put into use without a restart (K10).

What is in use stays until there is a better one. What fails is tried again, each time later, for an
authority counts failures too; it is logged and told to the witness.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from vestibule.pki.acme.challenge import Challenges
from vestibule.pki.acme.order import AcmeAuthority, OrderFailed
from vestibule.pki.acme.public_certificate import Held, PublicCertificate, UnfitCertificate
from vestibule.pki.certificates import utc_now
from vestibule.pki.witness import CertificateAct, CertificateEvent, Witness, nobody

LOOK_SECONDS = 60.0
RENEW_AT = 1 / 3
"""What part of its life is left when it is renewed, if the authority doesn't say when it likes."""

AT_THE_LATEST = 1 / 6
"""What part is left when it is renewed even if the authority would like it later."""

_ASK_EVERY = timedelta(hours=6)
_FIRST_WAIT = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(hours=12)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PublicRenewalParts:
    """What it works with. `on_change` puts what `certificate.in_use` gives into use."""

    certificate: PublicCertificate
    authority: AcmeAuthority
    challenges: Challenges
    on_change: Callable[[], None]
    witness: Witness = nobody
    clock: Callable[[], datetime] = utc_now
    every: float = LOOK_SECONDS
    first_wait: timedelta = field(default=_FIRST_WAIT)


class PublicRenewal:
    """Looks every so often whether there is something to order, and orders it."""

    def __init__(self, parts: PublicRenewalParts) -> None:
        self._parts = parts
        self._wait = parts.first_wait
        self._not_before: datetime | None = None
        self._asked: datetime | None = None
        self._suggested: tuple[str, datetime] | None = None
        """A certificate's serial, and when its authority would like it renewed."""
        self._shown = self._serial_in_use()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, in the background: the server needn't wait for an authority."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop looking; an order that is under way is given up."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> None:
        """Order what is due, unless it failed a moment ago; what has ended is no longer shown."""
        self._show()
        now = self._parts.clock()
        if self._not_before is not None and now < self._not_before:
            return
        if not await self._is_due(now):
            return
        try:
            await self._order()
        except (OrderFailed, UnfitCertificate, OSError) as error:
            self._failed(now, error)
        else:
            self._wait, self._not_before = self._parts.first_wait, None

    # --- inside ---

    async def _is_due(self, now: datetime) -> bool:
        held = self._parts.certificate.in_use()
        if held is None or held.is_old(now, part=AT_THE_LATEST):
            return True
        await self._ask(held, now)
        if self._suggested is not None and self._suggested[0] == held.serial:
            return self._suggested[1] <= now
        return held.is_old(now, part=RENEW_AT)

    async def _ask(self, held: Held, now: datetime) -> None:
        """Ask the authority when it would like the certificate renewed, not too often."""
        if self._asked is not None and now - self._asked < _ASK_EVERY:
            return
        self._asked = now
        try:
            when = await asyncio.to_thread(self._parts.authority.renewal_time, held.chain)
        except (OrderFailed, OSError) as error:
            _log.info("pki.renewal_time_unknown", reason=str(error))
        else:
            self._suggested = (held.serial, when) if when is not None else None

    async def _order(self) -> None:
        parts = self._parts
        before = parts.certificate.held()
        async with parts.challenges.listening():
            issued = await asyncio.to_thread(
                parts.authority.order, parts.certificate.names, parts.challenges.answer
            )
        held = parts.certificate.keep(issued.key, issued.chain)
        self._asked = None
        act = CertificateAct.ISSUED if before is None else CertificateAct.RENEWED
        parts.witness(CertificateEvent(act, held.serial, parts.certificate.names[0]))
        _log.info("pki.public_certificate", names=sorted(held.names), until=held.until.isoformat())
        self._show()

    def _show(self) -> None:
        serial = self._serial_in_use()
        if serial != self._shown:
            self._shown = serial
            self._parts.on_change()

    def _serial_in_use(self) -> str | None:
        held = self._parts.certificate.in_use()
        return None if held is None else held.serial

    def _failed(self, now: datetime, error: Exception) -> None:
        reason, detail = _reason(error)
        self._not_before, self._wait = now + self._wait, min(self._wait * 2, _LONGEST_WAIT)
        in_use = self._parts.certificate.in_use()
        _log.warning(
            "pki.public_certificate_failed",
            names=list(self._parts.certificate.names),
            reason=reason,
            detail=detail,
            again_at=self._not_before.isoformat(),
            in_use="of the public authority" if in_use else "of our own authority",
        )
        name = self._parts.certificate.names[0]
        self._parts.witness(CertificateEvent(CertificateAct.FAILED, None, name, reason))

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # what is in use stays; the next look tries again
                _log.exception("pki.public_renewal_failed")
            await asyncio.sleep(self._parts.every)


def _reason(error: Exception) -> tuple[str, str]:
    """In a few plain words, and what else is known."""
    if isinstance(error, OrderFailed):
        return error.reason, str(error)
    if isinstance(error, UnfitCertificate):
        return "certificate unfit", str(error)
    return "port or folder not to be had", str(error)
