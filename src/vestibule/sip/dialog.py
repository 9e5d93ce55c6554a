"""Dialogs (RFC 3261 section 12): who talks with whom, in which order, by which route.

A dialog belongs to the principal that opened it, not to whoever knows its tags (ATTACKS 8); who
receives an in-dialog request checks that (`edge/reception.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from vestibule.sip.message import Headers, SipMessage, address_uri, build_request
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.transaction import ServerTransaction
from vestibule.sip.transaction_core import TransactionHome

if TYPE_CHECKING:
    from vestibule.identity.principal import Principal


class Owner(Protocol):
    """Whose a dialog is."""

    def same_sender(self, other: Principal) -> bool:
        """Whether a request of theirs is the owner's."""


_REFRESHES_TARGET = frozenset({"INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY"})


class Dialog:
    """A dialog, at either end. `contact` is our URI in it, `flow` the connection it lives on."""

    __slots__ = (
        "_home", "_local_cseq", "_local_header", "_remote_cseq", "_remote_header", "call_id",
        "contact", "ended", "flow", "local_tag", "local_uri", "principal", "remote_tag",
        "remote_target", "remote_uri", "route_set",
    )  # fmt: skip

    def __init__(self, home: TransactionHome, message: SipMessage, flow: int) -> None:
        self._home = home
        self.call_id = message.call_id
        self.flow = flow
        self.principal: Owner | None = None
        self.contact = ""
        self.ended = False
        self._local_cseq = secrets.randbelow(10_000) + 1
        self._remote_cseq = -1
        self.local_tag = self.remote_tag = self.local_uri = self.remote_uri = ""
        self._local_header = self._remote_header = ""
        self.remote_target = ""
        self.route_set: tuple[str, ...] = ()

    @classmethod
    def uas(
        cls, transaction: ServerTransaction, *, contact: str, record_route: str | None = None
    ) -> Dialog:
        """The dialog that our 101-299 to this request makes. `record_route`: see docs/adr/0007."""
        request = transaction.request
        dialog = cls(transaction.home, request, transaction.flow)
        transaction.record_route = record_route
        dialog.principal = transaction.principal
        dialog.contact = contact
        dialog.local_tag, dialog.remote_tag = transaction.to_tag, request.from_tag
        dialog.local_uri, dialog.remote_uri = request.to_uri, request.from_uri
        dialog._local_header = f"<{request.to_uri}>;tag={transaction.to_tag}"
        dialog._remote_header = request.header("From") or ""
        dialog.remote_target = address_uri(request.header("Contact") or "") or request.from_uri
        dialog.route_set = tuple(request.values("Record-Route"))
        dialog._remote_cseq = request.cseq
        return dialog

    @classmethod
    def uac(
        cls,
        home: TransactionHome,
        request: SipMessage,
        response: SipMessage,
        *,
        contact: str,
        principal: Owner | None = None,
    ) -> Dialog:
        """The dialog that the other side's 101-299 to our request made."""
        dialog = cls(home, response, response.flow)
        dialog.principal = principal
        dialog.contact = contact
        dialog.local_tag, dialog.remote_tag = request.from_tag, response.to_tag
        dialog.local_uri, dialog.remote_uri = request.from_uri, request.to_uri
        dialog._local_header = request.header("From") or ""
        dialog._remote_header = response.header("To") or ""
        dialog.remote_target = address_uri(response.header("Contact") or "") or request.uri
        dialog.route_set = tuple(reversed(response.values("Record-Route")))
        dialog._local_cseq = request.cseq
        return dialog

    @property
    def key(self) -> tuple[str, str, str]:
        """Call-ID, our tag, the other side's tag."""
        return (self.call_id, self.local_tag, self.remote_tag)

    def accept(self, request: SipMessage) -> None:
        """Note an in-dialog request. Raises SipRefusal 500 if it is out of order (12.2.2)."""
        if request.method == "ACK":
            return
        if request.cseq <= self._remote_cseq:
            raise SipRefusal(500, "Out of order")
        self._remote_cseq = request.cseq
        contact = request.header("Contact")
        if contact and request.method in _REFRESHES_TARGET:
            self.remote_target = address_uri(contact)

    def request(
        self,
        method: str,
        *,
        headers: Headers = (),
        body: bytes = b"",
        content_type: str | None = None,
        on_response: Callable[[SipMessage], None] | None = None,
        on_failure: Callable[[int, str], None] | None = None,
    ) -> None:
        """Send a request within the dialog. Nothing is sent once it has ended.

        `on_response` gets the final response; `on_failure` gets 408 or 503 and why, if none comes.
        """
        if self.ended:
            return
        self._local_cseq += 1
        lines = self._lines(method)
        if method in _REFRESHES_TARGET:
            lines.append(("Contact", f"<{self.contact}>"))
        lines += headers
        if content_type is not None:
            lines.append(("Content-Type", content_type))

        def answered(response: SipMessage) -> None:
            if response.status >= 200 and on_response is not None:
                on_response(response)

        data = build_request(method, self.remote_target, lines, body)
        self._home.send_request(data, self.flow, answered, on_failure or _no_failure)

    def acknowledge(self) -> None:
        """Acknowledge the 2xx that made this dialog (RFC 3261 section 13.2.2.4), before anything else is sent."""
        data = build_request("ACK", self.remote_target, self._lines("ACK"))
        self._home.send_ack(data, self.flow)

    def _lines(self, method: str) -> list[tuple[str, str]]:
        return [
            *(("Route", route) for route in self.route_set),
            ("From", self._local_header),
            ("To", self._remote_header),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self._local_cseq} {method}"),
            ("Max-Forwards", "70"),
        ]

    def end(self) -> None:
        """Nothing more is sent."""
        self.ended = True


def _no_failure(status: int, reason: str) -> None:
    """Nobody asked."""
