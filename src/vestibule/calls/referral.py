"""A transfer: where one end of a call may send the other (RFC 3515; RFC 5589, ATTACKS 14).

We don't act on a REFER. The one who gets it makes a call of its own, proven and routed as any other of
its calls. So what is checked here only keeps a device from being led to what no call of a person needs:
another method, headers that would be put into its request, a server elsewhere.
"""

from collections.abc import Callable

from vestibule.sip.message import SipMessage, address_uri
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.uri import SipUri


def require_callable(refer: SipMessage, serves: Callable[[str], bool]) -> None:
    """Let a REFER pass only if it names one address that the other end could call here.

    `serves` says whether a host is one of our domains. Raises SipRefusal: 400 for none, more than one or
    one that can't be read, 416 for what is no SIP address, 403 for one that is not of ours, that asks for
    anything but a call, or that brings headers for the request.
    """
    targets = refer.values("Refer-To")
    if len(targets) != 1:
        raise SipRefusal(400, "One Refer-To is needed")
    text = address_uri(targets[0])
    if text != targets[0] and f"<{text}>" not in targets[0]:
        # Without brackets nobody knows whose the parameters are.
        raise SipRefusal(400, "Refer-To can be read in two ways")
    uri = SipUri.parse(text)
    if not uri.user or not serves(uri.host):
        raise SipRefusal(403, "Calls are transferred to addresses here only")
    if (uri.param("method") or "INVITE").upper() != "INVITE" or "?" in text:
        raise SipRefusal(403, "A transfer is a plain call")
