"""One seat's signalling: the focus dialog of one device, from its knock to its BYE."""

from collections.abc import Callable
from dataclasses import dataclass

from vestibule.conferencing import c3p
from vestibule.conferencing.c3p import C3pRequest
from vestibule.conferencing.commands import COMMANDS
from vestibule.conferencing.conference import (
    Conference,
    Ending,
    NotAllowed,
    Schedule,
    Seat,
    Timer,
)
from vestibule.sip.dialog import Dialog
from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.transaction import ServerTransaction
from vestibule.sip.xml_body import BadBody

KEEP_WAITING_SECONDS = 60.0
ALLOW = "INVITE, ACK, BYE, CANCEL, INFO, SUBSCRIBE, OPTIONS"

_FINAL_ANSWER = {
    Ending.REJECTED: (403, "Forbidden"),
    Ending.TIMED_OUT: (480, "Temporarily Unavailable"),
    Ending.MEETING_ENDED: (480, "Temporarily Unavailable"),
    Ending.REMOVED: (403, "Forbidden"),
    Ending.MEDIA_LOST: (480, "Temporarily Unavailable"),
}
_GONE_BY_ITSELF = frozenset({Ending.LEFT, Ending.CONNECTION_LOST})


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What a 200 to the joiner's INVITE carries."""

    content_type: str
    body: bytes


class FocusSession:
    """The dialog of one seat.

    `accept` makes the body of the 200 once the seat is in; `forbidden` hears of each command, and
    the reason, that the table of rights refused.
    """

    def __init__(
        self,
        conference: Conference,
        seat: Seat,
        invite: ServerTransaction,
        dialog: Dialog,
        *,
        accept: Callable[[], Acceptance],
        add_media: Callable[["FocusSession", C3pRequest], bytes],
        forbidden: Callable[[str, str], None],
        schedule: Schedule,
    ) -> None:
        self.conference = conference
        self.seat = seat
        self.dialog = dialog
        self._invite = invite
        self._accept = accept
        self._add_media = add_media
        self._forbidden = forbidden
        self._schedule = schedule
        self._keep_waiting: Timer | None = None
        self._acceptance: Acceptance | None = None
        invite.on_cancel = self._cancelled

    # --- what the conference tells ---

    def wait(self) -> None:
        """Tell the joiner to wait in the lobby, and again each minute so that no proxy gives up."""
        self._invite.respond(183, "Session Progress", headers=(("Vestibule-Admission", "lobby"),))
        self._keep_waiting = self._schedule(KEEP_WAITING_SECONDS, self.wait)

    def admit(self) -> None:
        """The seat is in: answer the INVITE. Raises SipRefusal if its media can't be served."""
        self._stop_waiting()
        self._acceptance = self._accept()
        self._respond_ok(self._invite, self._acceptance)

    def refuse(self, refusal: SipRefusal) -> None:
        """The seat was let in, but its media can't be served."""
        self._invite.respond(refusal.status, refusal.reason, headers=refusal.headers)

    def finish(self, ending: Ending) -> None:
        """The seat is gone: refuse the INVITE if it still waits, else say BYE unless it left itself."""
        self._stop_waiting()
        if not self._invite.completed:
            self._refuse(ending)
        elif self._acceptance is not None and ending not in _GONE_BY_ITSELF:
            self.dialog.request("BYE", headers=(reason(200, ending.value),))
        self.dialog.end()

    # --- what the joiner's device says (DialogUser) ---

    def on_request(self, dialog: Dialog, transaction: ServerTransaction) -> None:
        """An in-dialog request of the seat's own device."""
        method = transaction.request.method
        if method == "BYE":
            transaction.respond(200)
            self.conference.leave(self.seat)
        elif self._acceptance is None:
            self._forbidden(method, "not in the meeting")
            transaction.respond(403, headers=(reason(403, "not in the meeting"),))
        elif method == "INFO":
            self._control(transaction)
        elif method == "INVITE":
            self._respond_ok(transaction, self._acceptance)
        else:
            transaction.respond(405, headers=(("Allow", ALLOW),))

    def on_ack(self, dialog: Dialog, message: SipMessage) -> None:
        """The 200 has arrived: nothing more to do."""

    def on_flow_closed(self, dialog: Dialog) -> None:
        """The device's connection is gone, and with it the proof of who it was."""
        self.conference.leave(self.seat, Ending.CONNECTION_LOST)

    # --- inside ---

    def _control(self, transaction: ServerTransaction) -> None:
        if transaction.request.content_type != c3p.CONTENT_TYPE:
            transaction.respond(415, headers=(("Accept", c3p.CONTENT_TYPE),))
            return
        try:
            request = c3p.parse_request(transaction.request.body)
        except BadBody as error:
            transaction.respond(400, headers=(reason(400, str(error)),))
            return
        transaction.respond(200, body=self._carry_out(request), content_type=c3p.CONTENT_TYPE)

    def _carry_out(self, request: C3pRequest) -> bytes:
        try:
            if request.command == "addUser":
                return self._add_media(self, request)
            command = COMMANDS.get(request.command)
            if command is None:
                return c3p.failure(request, "requestNotSupported")
            content = command(self.conference, self.seat, request)
        except NotAllowed as refusal:
            if refusal.reason == "accessDenied":
                self._forbidden(request.command, refusal.reason)
            return c3p.failure(request, refusal.reason)
        return c3p.success(request, content or ())

    def _respond_ok(self, transaction: ServerTransaction, acceptance: Acceptance) -> None:
        transaction.respond(
            200,
            headers=(("Contact", f"<{self.dialog.contact}>"), ("Allow", ALLOW)),
            body=acceptance.body,
            content_type=acceptance.content_type,
        )

    def _refuse(self, ending: Ending) -> None:
        if ending in _GONE_BY_ITSELF:
            return  # a CANCEL has its 487, a lost connection needs none
        status, phrase = _FINAL_ANSWER[ending]
        self._invite.respond(status, phrase, headers=(reason(status, ending.value),))

    def _cancelled(self) -> None:
        self.conference.leave(self.seat)

    def _stop_waiting(self) -> None:
        if self._keep_waiting is not None:
            self._keep_waiting.cancel()
            self._keep_waiting = None


def reason(cause: int, text: str) -> tuple[str, str]:
    """A `Reason` header (RFC 3326)."""
    return ("Reason", f'SIP;cause={cause};text="{text}"')
