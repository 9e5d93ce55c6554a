"""A transfer: where one end of a call may send the other (RFC 3515; RFC 5589, ATTACKS 14).

We don't act on a REFER. The one who gets it makes a call of its own, proven and routed as any other of
its calls. So what is checked here only keeps a device from being led to what no call of a person needs:
another method, headers that would be put into its request, a server elsewhere. Whether the call may take
another one's place is for `attended_transfer.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from vestibule.sip.message import SipMessage, address_uri
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.replaces import Replaces
from vestibule.sip.uri import SipUri


@dataclass(frozen=True, slots=True)
class Referral:
    """Whom the other end is to call, and which call of theirs that is to replace."""

    target: SipUri
    replaces: Replaces | None


def referral_of(refer: SipMessage, serves: Callable[[str], bool]) -> Referral:
    """What a REFER asks for: to call one address that the other end could call here.

    `serves` says whether a host is one of our domains. Raises SipRefusal: 400 for none, more than one or
    one that can't be read, 416 for what is no SIP address, 403 for one that is not of ours, that asks for
    anything but a call, or that brings headers for the request other than one Replaces.
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
    headers = text.partition("?")[2]
    replaces = _replaces_in(headers)
    plain = not headers or replaces is not None
    if (uri.param("method") or "INVITE").upper() != "INVITE" or not plain:
        raise SipRefusal(403, "A transfer is a plain call")
    return Referral(uri, replaces)


def _replaces_in(headers: str) -> Replaces | None:
    """The headers part of a URI, if it is one Replaces and, at most, that this is required (RFC 5589)."""
    found: dict[str, str] = {}
    for part in headers.split("&"):
        name, _, value = part.partition("=")
        key = unquote(name).lower()
        if key in found:
            return None
        found[key] = unquote(value)
    if found.pop("require", "replaces").lower() != "replaces" or found.keys() != {"replaces"}:
        return None
    return Replaces.parse(found["replaces"])
