"""OPTIONS to the server itself: it is there, which only the proven are told."""

from vestibule.sip.refusal import SipRefusal
from vestibule.sip.transaction import ServerTransaction


def alive(transaction: ServerTransaction) -> None:
    """Answer it. Raises SipRefusal."""
    if transaction.principal is None:
        raise SipRefusal(401)
    transaction.respond(200, headers=(("Accept", "application/sdp"),))
