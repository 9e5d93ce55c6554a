"""What the wire should say when a request can't be served."""

from vestibule.sip.message import Headers


class SipRefusal(Exception):
    """A final answer other than success: raised anywhere below a handler, sent by who called it.

    An empty `reason` becomes the status's usual phrase (RFC 3261 section 21).
    """

    def __init__(self, status: int, reason: str = "", *, headers: Headers = ()) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.headers = tuple(headers)
