"""Renewal before expiry, without a restart (K10): by itself, and when something is revoked."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from vestibule.pki.authority import Authority

LOOK_SECONDS = 3600.0
NOTICE_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class Renewal:
    """Keeps the certificates and CRLs in force; `on_change` puts them into use.

    `revoked` tells which serials are revoked, and when. `every` is the seconds between two looks;
    what `vestibule cert` does meanwhile is noticed within `notice` seconds.
    """

    def __init__(
        self,
        authority: Authority,
        names: Sequence[str],
        revoked: Callable[[], Sequence[tuple[str, datetime]]],
        on_change: Callable[[], None],
        *,
        every: float = LOOK_SECONDS,
        notice: float = NOTICE_SECONDS,
    ) -> None:
        self._authority = authority
        self._names = names
        self._revoked = revoked
        self._on_change = on_change
        self._every = every
        self._notice = min(notice, every)
        self._stamp = authority.stamp()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Renew what needs it, put everything into use, and look again from time to time.

        Raises OSError or ValueError if the authority can't be read.
        """
        self._renew()
        self._use()
        self._task = asyncio.create_task(self._run())

    def look(self) -> None:
        """Renew what needs it now, and put it into use if anything did."""
        if self._renew() or self._authority.stamp() != self._stamp:
            self._use()

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _renew(self) -> bool:
        changed = self._authority.renew_issuing(self._names)
        changed |= self._authority.publish_crls(self._revoked())
        if self._authority.server_needs_renewal(self._names):
            self._authority.issue_server(self._names)
            _log.info("pki.server_renewed", names=list(self._names))
            changed = True
        return changed

    def _use(self) -> None:
        self._stamp = self._authority.stamp()
        self._on_change()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        next_look = loop.time() + self._every
        while True:
            await asyncio.sleep(self._notice)
            if loop.time() < next_look and self._authority.stamp() == self._stamp:
                continue
            next_look = loop.time() + self._every
            try:
                self.look()
            except Exception:  # what is in force stays; the next look tries again
                _log.exception("pki.renewal_failed")
