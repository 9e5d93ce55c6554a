"""A bridged call: two dialogs that end here, and a room of two between them (docs/adr/0017).

It begins when a device has refused the caller's kind of media. The device is called anew, with an offer of
ours; only when it has answered does the caller get an answer. Either end's end is the other's.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from vestibule.calls.bridged_end import ALLOW, BRIDGED, SDP, BridgedEnd, Callee
from vestibule.calls.call_media import CallEnd, CallRooms
from vestibule.calls.media_keys import require_keys
from vestibule.calls.media_kind import MediaKind
from vestibule.calls.passage import name_address
from vestibule.identity.principal import Principal
from vestibule.registrar.bindings import Binding
from vestibule.sip.client_transaction import ClientTransaction
from vestibule.sip.dialog import Dialog
from vestibule.sip.dialog_table import DialogTable
from vestibule.sip.layer import TransactionLayer
from vestibule.sip.message import Headers, SipMessage, build_request
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.transaction import ServerTransaction, new_tag

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BridgeParts:
    """What bridges work with. `base` is our host and port as clients reach it, `serves` says whether a host is one
    of our domains, `address_of` which address is at the other end of a connection.
    """

    layer: TransactionLayer
    dialogs: DialogTable
    rooms: CallRooms
    base: str
    serves: Callable[[str], bool]
    address_of: Callable[[int], str | None]


@dataclass(frozen=True, slots=True)
class Bridged:
    """Who is to be bridged with whom: the caller's INVITE and the kind of media it offers, the called device and
    whose it is.
    """

    invite: ServerTransaction
    caller: Principal
    kind: MediaKind
    callee: str
    device: Binding


class Waiting(Protocol):
    """The caller's INVITE, which has one answer, whoever gives it."""

    def bridge_rings(self, status: int, headers: Headers) -> None:
        """The device rings."""

    def bridge_accepted(self, bridge: "Bridge") -> None:
        """The device has accepted: `answer` the caller, or `hang_up`."""

    def bridge_failed(self, status: int, response: SipMessage | None) -> None:
        """There will be no call with this device, which said so or did not answer."""


class Bridge:
    """One call. `on_over` is called once, when nothing of it is left."""

    def __init__(self, parts: BridgeParts, bridged: Bridged, on_over: Callable[[], None]) -> None:
        self._parts = parts
        self._bridged = bridged
        self._on_over = on_over
        self._room = parts.rooms.open(self._media_lost)
        near, far = self._room.browser, self._room.phone
        if bridged.kind is MediaKind.PHONE:
            near, far = far, near
        self._caller_media: CallEnd = near()
        self._device_media: CallEnd = far()
        self._waiting: Waiting | None = None
        self._call: ClientTransaction | None = None
        self._device: BridgedEnd | None = None
        self._caller: BridgedEnd | None = None
        self._is_over = False

    def call(self, waiting: Waiting) -> None:
        """Call the device. Raises SipRefusal if the caller's own offer could not be answered later (400, 488), or
        if there are no keys or ports for ours (500); then the call is over.
        """
        try:
            self._caller_media.check(self._callers_offer)
            offer = self._device_media.offer()
        except SipRefusal:
            self.end("no media in common")
            raise
        self._waiting = waiting
        self._call = self._parts.layer.send_request(
            self._invitation(offer), self._bridged.device.flow, self._answered, self._failed
        )

    def cancel(self, reason: str | None = None) -> None:
        """Give up, if the device has not accepted yet."""
        if self._call is not None:
            self._call.cancel(reason)

    def answer(self) -> None:
        """Answer the caller. Raises SipRefusal if its media can't be served; then the call is over."""
        transaction = self._bridged.invite
        seen_at = self._parts.address_of(transaction.flow)
        try:
            answer = self._caller_media.answer(self._callers_offer, seen_at=seen_at)
        except SipRefusal:
            self.end("no media in common")
            raise
        dialog = Dialog.uas(transaction, contact=self._contact(self._bridged.callee))
        self._caller = self._keep(dialog, self._caller_media)
        if self._device is not None:
            self._caller.other, self._device.other = self._device, self._caller
        self._room.settle()
        headers = (("Contact", f"<{dialog.contact}>"), ("Allow", ALLOW), BRIDGED)
        transaction.respond(200, headers=headers, body=answer.encode(), content_type=SDP)
        _log.info("call.bridged", caller=self._bridged.caller.aor, callee=self._bridged.callee)

    def end(self, why: str, *, by: BridgedEnd | None = None) -> None:
        """End everything: the dialogs, save that of who ended the call, and the room."""
        if self._is_over:
            return
        self._is_over = True
        for end in (self._caller, self._device):
            if end is not None:
                self._parts.dialogs.remove(end.dialog)
                if end is not by:
                    end.hang_up(why)
        self._room.close()
        self._on_over()

    # --- what the device answers ---

    def _answered(self, response: SipMessage) -> None:
        waiting, call = self._waiting, self._call
        if waiting is None or call is None or response.status == 100:
            return
        if response.status < 200:
            contact = ("Contact", f"<{self._contact(self._bridged.callee)}>")
            waiting.bridge_rings(response.status, (contact, BRIDGED))
        elif response.status >= 300:
            self.end("refused")
            waiting.bridge_failed(response.status, response)
        elif self._device is not None or self._is_over:
            self._decline(self._dialog_of(call, response))
        else:
            self._accepted(waiting, self._dialog_of(call, response), response)

    def _accepted(self, waiting: Waiting, dialog: Dialog, response: SipMessage) -> None:
        self._device = self._keep(dialog, self._device_media)
        dialog.acknowledge()
        try:
            require_keys(response)
            answer = response.body.decode("utf-8", "replace")
            seen_at = self._parts.address_of(response.flow)
            self._device_media.accept(answer, seen_at=seen_at)
        except SipRefusal as refusal:
            self.end("no media in common")
            waiting.bridge_failed(refusal.status, None)
            return
        waiting.bridge_accepted(self)

    @staticmethod
    def _decline(dialog: Dialog) -> None:
        """A second acceptance of one INVITE, or one that came too late."""
        dialog.acknowledge()
        dialog.request("BYE")

    def _failed(self, status: int, reason: str) -> None:
        self.end(reason)
        if self._waiting is not None:
            self._waiting.bridge_failed(408 if status == 408 else 480, None)

    # --- inside ---

    @property
    def _callers_offer(self) -> str:
        return self._bridged.invite.request.body.decode("utf-8", "replace")

    def _media_lost(self, why: str) -> None:
        _log.info("call.media_lost", callee=self._bridged.callee, reason=why)
        self.end("media lost")

    def _keep(self, dialog: Dialog, media: CallEnd) -> BridgedEnd:
        end = BridgedEnd(
            dialog,
            media,
            seen_at=self._parts.address_of,
            serves=self._parts.serves,
            settle=self._room.settle,
            over=lambda by: self.end("the other end hung up", by=by),
        )
        self._parts.dialogs.add(dialog, end)
        return end

    def _dialog_of(self, call: ClientTransaction, response: SipMessage) -> Dialog:
        contact = self._contact(self._bridged.caller.aor)
        owner = Callee(self._bridged.callee)
        layer = self._parts.layer
        return Dialog.uac(layer, call.request, response, contact=contact, principal=owner)

    def _contact(self, aor: str) -> str:
        """Ours, in the place of who is at the other end."""
        user = aor.removeprefix("sip:").partition("@")[0]
        return f"sip:{user}@{self._parts.base};transport=tls"

    def _invitation(self, offer: str) -> bytes:
        bridged = self._bridged
        caller = name_address(bridged.caller)
        lines = [
            ("Max-Forwards", str(bridged.invite.request.max_forwards - 1)),
            ("From", f"{caller};tag={new_tag()}"),
            ("To", f"<{bridged.callee}>"),
            ("Call-ID", secrets.token_urlsafe(20)),
            ("CSeq", "1 INVITE"),
            ("Contact", f"<{self._contact(bridged.caller.aor)}>"),
            ("P-Asserted-Identity", caller),
            ("Allow", ALLOW),
            BRIDGED,
            ("Content-Type", SDP),
        ]
        return build_request("INVITE", bridged.device.contact, lines, offer.encode())
