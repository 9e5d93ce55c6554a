"""Which service a request is for: by method, kind of Request-URI, and event package (DESIGN 8)."""

from collections.abc import Callable
from enum import StrEnum

from vestibule.sip.refusal import SipRefusal
from vestibule.sip.transaction import ServerTransaction
from vestibule.sip.uri import SipUri

Handler = Callable[[ServerTransaction], None]


class UriKind(StrEnum):
    """What a Request-URI stands for."""

    DOMAIN = "domain"
    PERSON = "person"
    FOCUS = "focus"
    AUDIO_VIDEO = "audio-video"
    RELAY = "relay"
    OTHER = "other"
    """A domain that is not ours, or a service that we don't have."""


_BY_OPAQUE = (
    ("app:conf:focus:id:", UriKind.FOCUS),
    ("app:conf:audio-video:id:", UriKind.AUDIO_VIDEO),
    ("srvr:mras:", UriKind.RELAY),
    ("app:", UriKind.OTHER),
    ("srvr:", UriKind.OTHER),
)


class Router:
    """The table. `serves` says whether a host is one of our domains."""

    def __init__(self, serves: Callable[[str], bool]) -> None:
        self._serves = serves
        self._handlers: dict[tuple[str | None, UriKind, str | None], Handler] = {}

    def kind(self, uri: SipUri) -> UriKind:
        """What a URI stands for here."""
        if not self._serves(uri.host):
            return UriKind.OTHER
        opaque = (uri.opaque or "").lower()
        for start, kind in _BY_OPAQUE if opaque else ():
            if opaque.startswith(start):
                return kind
        return UriKind.PERSON if uri.user else UriKind.DOMAIN

    def add(
        self, method: str | None, kind: UriKind, handler: Handler, *, event: str | None = None
    ) -> None:
        """Enter a handler. `method` None: every method that has no handler of its own."""
        self._handlers[(method, kind, event)] = handler

    def find(self, transaction: ServerTransaction, kind: UriKind) -> Handler:
        """The handler of a request. Raises SipRefusal: 404, 405 or 489."""
        method = transaction.request.method
        event = _event_of(transaction) if method in ("SUBSCRIBE", "PUBLISH") else None
        for key in ((method, kind, event), (method, kind, None), (None, kind, None)):
            handler = self._handlers.get(key)
            if handler is not None:
                return handler
        allowed = sorted({m for m, k, _ in self._handlers if k is kind and m is not None})
        if not allowed:
            raise SipRefusal(404)
        if event is not None and method in allowed:
            known = sorted({e for m, k, e in self._handlers if (m, k) == (method, kind) and e})
            raise SipRefusal(489, headers=(("Allow-Events", ",".join(known)),))
        raise SipRefusal(405, headers=(("Allow", ", ".join([*allowed, "ACK", "CANCEL"])),))


def _event_of(transaction: ServerTransaction) -> str:
    value = transaction.request.header("Event") or ""
    return value.partition(";")[0].strip().lower()
