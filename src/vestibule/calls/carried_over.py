"""What goes from one dialog of a bridged call into the other: all that isn't about media.

A transfer is checked as in a call that isn't bridged (`referral.py`), and who asked for it is written by us. An
attended one is refused: who would call then has mostly other media than whom it would call, and a call that takes
another's place isn't bridged.
"""

from collections.abc import Callable

from vestibule.calls.referral import referral_of
from vestibule.sip.dialog import Dialog
from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.transaction import ServerTransaction

CARRIED = {
    "INFO": ("Info-Package",),
    "REFER": ("Refer-To", "Refer-Sub"),
    "NOTIFY": ("Event", "Subscription-State"),
}
"""Methods, and the headers that come along beside the body and its type."""


def carry_over(
    transaction: ServerTransaction, other: Dialog, serves: Callable[[str], bool]
) -> None:
    """Ask the same of the other end, and answer what it answers.

    `serves` says whether a host is one of our domains. Raises SipRefusal: 400, 403, 416 for a transfer to
    where nobody here could call.
    """
    request, principal = transaction.request, transaction.principal
    if principal is None:
        raise SipRefusal(401)
    headers = [(name, value) for name in CARRIED[request.method] for value in request.headers(name)]
    if request.method == "REFER":
        if referral_of(request, serves).replaces is not None:
            raise SipRefusal(403, "A bridged call is transferred blindly")
        headers += [("Referred-By", f"<{principal.aor}>"), ("Contact", f"<{other.contact}>")]
    other.request(
        request.method,
        headers=headers,
        body=request.body,
        content_type=request.header("Content-Type"),
        on_response=lambda response: _answer(transaction, response),
        on_failure=lambda status, reason: transaction.respond(status),
    )


def _answer(transaction: ServerTransaction, response: SipMessage) -> None:
    """A device may not ask for a proof that is ours to ask for (ATTACKS 2)."""
    status = 403 if response.status in (401, 407, 494) else response.status
    transaction.respond(status, body=response.body, content_type=response.header("Content-Type"))
