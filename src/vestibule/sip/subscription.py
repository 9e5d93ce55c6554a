"""Subscriptions, the notifier's side (RFC 6665)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from vestibule.sip.dialog import Dialog
from vestibule.sip.dialog_table import DialogTable
from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.timers import TimerWheel
from vestibule.sip.transaction import ServerTransaction


class Timer(Protocol):
    """Something scheduled."""

    def cancel(self) -> None:
        """Call it off."""


Schedule = Callable[[float, Callable[[], None]], Timer]


@dataclass(frozen=True, slots=True)
class EventPackage:
    """An event package: its name, its documents, how long a subscription lasts (seconds)."""

    name: str
    content_type: str
    minimum: int = 60
    default: int = 3600
    maximum: int = 3600


class Subscription:
    """One watcher. Looks after its own dialog."""

    def __init__(
        self,
        package: EventPackage,
        event: str,
        dialog: Dialog,
        *,
        dialogs: DialogTable,
        wheel: TimerWheel,
        schedule: Schedule,
        on_refresh: Callable[[Subscription], None],
        on_end: Callable[[Subscription], None],
    ) -> None:
        self.dialog = dialog
        self.ended = False
        self._package = package
        self._dialogs = dialogs
        self._schedule = schedule
        self._on_refresh = on_refresh
        self._on_end = on_end
        self._expiry: Timer | None = None
        self._wheel = wheel
        self._event = event
        self._expires_at = 0.0

    @classmethod
    def accept(
        cls,
        transaction: ServerTransaction,
        package: EventPackage,
        *,
        contact: str,
        record_route: str | None,
        dialogs: DialogTable,
        schedule: Schedule,
        on_refresh: Callable[[Subscription], None],
        on_end: Callable[[Subscription], None],
    ) -> Subscription:
        """Answer 200 and ask for the first document. Raises SipRefusal: 406, 423, 489."""
        request = transaction.request
        event = _event_of(request, package)
        accepted = [value.partition(";")[0].strip() for value in request.values("Accept")]
        if accepted and not {package.content_type, "*/*"} & set(accepted):
            raise SipRefusal(406)
        seconds = _seconds(request, package)
        dialog = Dialog.uas(transaction, contact=contact, record_route=record_route)
        subscription = cls(
            package,
            event,
            dialog,
            dialogs=dialogs,
            wheel=transaction.home.wheel,
            schedule=schedule,
            on_refresh=on_refresh,
            on_end=on_end,
        )
        dialogs.add(dialog, subscription)
        subscription._grant(transaction, seconds)
        return subscription

    def notify(self, body: bytes) -> None:
        """Send a document."""
        if not self.ended:
            # Clients renew by what is said here: it must be what is left (RFC 6665 section 4.1.3).
            left = max(round(self._expires_at - self._wheel.now), 0)
            self._send(f"active;expires={left}", body)

    def terminate(self, reason: str = "noresource", body: bytes = b"") -> None:
        """End the subscription and tell the watcher."""
        if self.ended:
            return
        self._send(f"terminated;reason={reason}", body)
        self._end()

    # --- DialogUser ---

    def on_request(self, dialog: Dialog, transaction: ServerTransaction) -> None:
        """A refresh, or the end if it says Expires: 0. Raises SipRefusal."""
        if transaction.request.method != "SUBSCRIBE":
            raise SipRefusal(405, headers=(("Allow", "SUBSCRIBE"),))
        _event_of(transaction.request, self._package)
        self._grant(transaction, _seconds(transaction.request, self._package))

    def on_ack(self, dialog: Dialog, message: SipMessage) -> None:
        """No INVITE here."""

    def on_flow_closed(self, dialog: Dialog) -> None:
        """The watcher is gone."""
        self._end()

    # --- inside ---

    def _grant(self, transaction: ServerTransaction, seconds: int) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        self._expires_at = self._wheel.now + seconds
        transaction.respond(
            200,
            headers=(("Expires", str(seconds)), ("Contact", f"<{self.dialog.contact}>")),
        )
        if seconds == 0:
            self._on_refresh(self)
            self.terminate("timeout")
            return
        self._expiry = self._schedule(seconds, lambda: self.terminate("timeout"))
        self._on_refresh(self)

    def _send(self, state: str, body: bytes) -> None:
        self.dialog.request(
            "NOTIFY",
            headers=(("Event", self._event), ("Subscription-State", state)),
            body=body,
            content_type=self._package.content_type if body else None,
            on_response=self._answered,
            on_failure=lambda status, reason: self._end(),
        )

    def _answered(self, response: SipMessage) -> None:
        if response.status in (404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604):
            self._end()

    def _end(self) -> None:
        if self.ended:
            return
        self.ended = True
        if self._expiry is not None:
            self._expiry.cancel()
        self._dialogs.remove(self.dialog)
        self.dialog.end()
        self._on_end(self)


def _event_of(request: SipMessage, package: EventPackage) -> str:
    """The Event header of NOTIFYs: package, and the watcher's own `id` (RFC 6665 section 8.2.1)."""
    name, *parameters = (part.strip() for part in (request.header("Event") or "").split(";"))
    if name.lower() != package.name:
        raise SipRefusal(489, headers=(("Allow-Events", package.name),))
    ids = [part for part in parameters if part.lower().startswith("id=")]
    return ";".join([package.name, *ids[:1]])


def _seconds(request: SipMessage, package: EventPackage) -> int:
    value = request.header("Expires")
    if value is None:
        return package.default
    if not (value.isascii() and value.isdecimal()) or len(value) > 10:
        raise SipRefusal(400, "Malformed Expires header")
    seconds = int(value)
    if 0 < seconds < package.minimum:
        raise SipRefusal(423, headers=(("Min-Expires", str(package.minimum)),))
    return min(seconds, package.maximum)
