"""The dialogs that end here, and who looks after each."""

from typing import Protocol

from vestibule.sip.dialog import Dialog
from vestibule.sip.message import SipMessage
from vestibule.sip.transaction import ServerTransaction


class DialogUser(Protocol):
    """Who looks after a dialog."""

    def on_request(self, dialog: Dialog, transaction: ServerTransaction) -> None:
        """A proven in-dialog request. May raise SipRefusal."""

    def on_ack(self, dialog: Dialog, message: SipMessage) -> None:
        """The ACK to a 2xx."""

    def on_flow_closed(self, dialog: Dialog) -> None:
        """The dialog's connection is gone."""


class DialogTable:
    """Dialogs by key, and by connection."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str, str], tuple[Dialog, DialogUser]] = {}
        self._by_flow: dict[int, dict[tuple[str, str, str], None]] = {}

    def add(self, dialog: Dialog, user: DialogUser) -> None:
        """Keep a dialog."""
        self._by_key[dialog.key] = (dialog, user)
        self._by_flow.setdefault(dialog.flow, {})[dialog.key] = None

    def find(self, message: SipMessage) -> tuple[Dialog, DialogUser] | None:
        """The dialog that a request of the other side belongs to."""
        return self._by_key.get((message.call_id, message.to_tag, message.from_tag))

    def remove(self, dialog: Dialog) -> None:
        """Forget a dialog. No error if it is forgotten."""
        self._by_key.pop(dialog.key, None)
        keys = self._by_flow.get(dialog.flow)
        if keys is not None:
            keys.pop(dialog.key, None)
            if not keys:
                del self._by_flow[dialog.flow]

    def __contains__(self, dialog: Dialog) -> bool:
        return dialog.key in self._by_key

    def count_of_flow(self, flow: int, user: type[DialogUser]) -> int:
        """How many dialogs of one kind of user live on a connection."""
        return sum(isinstance(self._by_key[key][1], user) for key in self._by_flow.get(flow, ()))

    def of_flow(self, flow: int) -> list[tuple[Dialog, DialogUser]]:
        """The dialogs that live on a connection."""
        return [self._by_key[key] for key in self._by_flow.get(flow, ())]
