"""One end of a bridged call: a dialog that ends here, and what its device says in it."""

from collections.abc import Callable
from dataclasses import dataclass

from vestibule.calls.call_media import CallEnd
from vestibule.calls.carried_over import CARRIED, carry_over
from vestibule.calls.media_keys import require_keys
from vestibule.identity.principal import Kind, Principal
from vestibule.sip.dialog import Dialog
from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.transaction import ServerTransaction

ALLOW = "INVITE, ACK, BYE, CANCEL, UPDATE, OPTIONS, INFO, REFER, NOTIFY"
BRIDGED = ("Vestibule-Media", "bridged")
"""Tells a device that the server decodes what is said (E11)."""

SDP = "application/sdp"
_NO_OFFER = ("Warning", '399 vestibule "an offer is needed"')


@dataclass(frozen=True, slots=True)
class Callee:
    """Whose the dialog with the called device is."""

    aor: str

    def same_sender(self, other: Principal) -> bool:
        """Whether a request is theirs."""
        return other.kind is Kind.MEMBER and other.aor == self.aor


class BridgedEnd:
    """The dialog with one device (DialogUser). `over` is called when the device ended the call, or is gone;
    `settle` when it has changed which way sound goes; `other` finds the dialog at the other end.
    """

    def __init__(
        self,
        dialog: Dialog,
        media: CallEnd,
        *,
        seen_at: Callable[[int], str | None],
        serves: Callable[[str], bool],
        settle: Callable[[], None],
        over: Callable[["BridgedEnd"], None],
    ) -> None:
        self.dialog = dialog
        self.other: BridgedEnd | None = None
        self._media = media
        self._seen_at = seen_at
        self._serves = serves
        self._settle = settle
        self._over = over

    def hang_up(self, why: str) -> None:
        """Tell the device that the call is over."""
        self.dialog.request("BYE", headers=(("Reason", f'SIP;cause=200;text="{why}"'),))
        self.dialog.end()

    # --- what the device says (DialogUser) ---

    def on_request(self, dialog: Dialog, transaction: ServerTransaction) -> None:
        """A later request of the device. Raises SipRefusal: 400, 403, 415, 416, 488."""
        request = transaction.request
        if request.method == "BYE":
            transaction.respond(200)
            self.dialog.end()
            self._over(self)
        elif request.method == "INVITE" or (request.method == "UPDATE" and request.body):
            self._renew(transaction)
        elif request.method in ("UPDATE", "OPTIONS"):
            transaction.respond(200, headers=(self._contact, ("Allow", ALLOW)))
        elif request.method in CARRIED and self.other is not None:
            carry_over(transaction, self.other.dialog, self._serves)
        else:
            transaction.respond(405, headers=(("Allow", ALLOW),))

    def on_ack(self, dialog: Dialog, message: SipMessage) -> None:
        """Our 200 has arrived: nothing more to do."""

    def on_flow_closed(self, dialog: Dialog) -> None:
        """The device's connection is gone, and with it the proof of who it was."""
        self.dialog.end()
        self._over(self)

    # --- inside ---

    @property
    def _contact(self) -> tuple[str, str]:
        return ("Contact", f"<{self.dialog.contact}>")

    def _renew(self, transaction: ServerTransaction) -> None:
        """Hold, resume, another codec: answered here, for the other end has media of its own."""
        request = transaction.request
        if not request.body:
            raise SipRefusal(488, headers=(_NO_OFFER,))
        require_keys(request)
        offer = request.body.decode("utf-8", "replace")
        answer = self._media.renew(offer, seen_at=self._seen_at(self.dialog.flow))
        self._settle()
        transaction.respond(
            200,
            headers=(self._contact, ("Allow", ALLOW), BRIDGED),
            body=answer.encode(),
            content_type=SDP,
        )
