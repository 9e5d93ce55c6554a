"""Whose share of the edge's work a proven sender draws on (DESIGN 4.9).

The edge enforces it before Python hears of a message; here is only who the holder is and how much that is.
"""

from dataclasses import dataclass
from typing import Literal

from vestibule.identity.principal import Kind, Principal
from vestibule.identity.sign_in_limits import Allowance, subnet_of
from vestibule.sip.uri import SipUri


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages a second, in the long run; twice that at once."""

    person: float = 300.0
    partner: float = 2000.0
    dialogs: int = 120
    """Calls, subscriptions and transfers that one sender may begin in a minute, half of them at once: each costs far
    more than a message does.
    """

    @property
    def new_dialogs(self) -> Allowance:
        """The same as a bucket's size and filling."""
        return Allowance(burst=max(1, self.dialogs // 2), interval=60 / self.dialogs)


@dataclass(frozen=True, slots=True)
class Share:
    """One holder's, over all of its connections."""

    kind: Literal["person", "guest", "partner"]
    holder: str
    messages_per_second: float


def share_of(principal: Principal, host: str, rates: Rates) -> Share | None:
    """The share of a sender at that address; None of another node of ours.

    Guests draw theirs up by themselves at will, so it is that of all of a meeting's at one address. A partner's
    and a carrier's people have their domain's: which of them it is, only their server says.
    """
    if principal.kind is Kind.NODE:
        return None
    if principal.kind is Kind.MEMBER:
        return Share("person", principal.aor, rates.person)
    if principal.kind is Kind.ANONYMOUS:
        return Share("guest", f"{principal.meeting} {subnet_of(host)}", rates.person)
    return Share("partner", SipUri.parse(principal.aor).host, rates.partner)
