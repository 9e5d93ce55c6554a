"""Renewal before expiry, without a restart (K10): looks once an hour, and whenever something is revoked."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from vestibule.pki.authority import Authority

LOOK_SECONDS = 3600.0
_log = structlog.get_logger(__name__)


class Renewal:
    """Keeps the server's certificate and the CRLs in force; `on_change` puts them into use."""

    def __init__(
        self,
        authority: Authority,
        names: Sequence[str],
        revoked: Callable[[], Sequence[tuple[str, datetime]]],
        on_change: Callable[[], None],
    ) -> None:
        self._authority = authority
        self._names = names
        self._revoked = revoked
        self._on_change = on_change
        self._known: frozenset[str] = frozenset()
        self._task: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Renew what needs it now."""
        revoked = self._revoked()
        serials = frozenset(serial for serial, _ in revoked)
        changed = self._authority.publish_crls(revoked, at_once=serials != self._known)
        self._known = serials
        if self._authority.server_needs_renewal(self._names):
            self._authority.issue_server(self._names)
            _log.info("pki.server_renewed", names=list(self._names))
            changed = True
        if changed:
            self._on_change()

    def start(self) -> None:
        """Look now, then once an hour."""
        self.look()
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self.look()
            except Exception:  # noqa: BLE001 - what is in force stays; the next look tries again
                _log.exception("pki.renewal_failed")
