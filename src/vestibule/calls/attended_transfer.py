"""Attended transfer: who may take whose place in a call (RFC 3891, RFC 5589 section 7; docs/adr/0020).

Who is in a call may give its own place away, to somebody else whom it is in a call with. That is asked for by
a REFER, and remembered as a grant: this person, by this connection, once, within a minute. A call that would take
another's place without one gets nowhere, whoever knows the tags.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from vestibule.calls.confirmed_calls import ConfirmedCall, ConfirmedCalls, Grant, Party, Seat
from vestibule.calls.route_token import End
from vestibule.identity.principal import Kind, Principal
from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.replaces import Replaces, place_of

GRANT_SECONDS = 60.0
"""How long who was sent a REFER may take to call."""

_WARNING = ("Warning", '399 vestibule "no transfer lets you replace that call"')
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """Who a URI stands for: a person, and which device if it is a GRUU."""

    aor: str
    device: str | None = None
    """Its instance id, without brackets."""

    def is_at(self, end: End) -> bool:
        """Whether that end of a call is meant."""
        same_device = self.device is None or self.device == end.instance.strip("<>")
        return self.aor == end.aor and same_device


@dataclass(frozen=True, slots=True)
class Replacement:
    """A call that may be replaced now, and the end that stays."""

    call: ConfirmedCall
    stays: Party

    def use(self) -> None:
        """It is being replaced: nobody may once more."""
        self.call.grant = None
        _log.info("call.replaced", staying=self.stays.end.aor)


class AttendedTransfers:
    """Gives leave to replace calls, and asks for it. `clock` gives seconds."""

    def __init__(self, calls: ConfirmedCalls, clock: Callable[[], float]) -> None:
        self._calls = calls
        self._clock = clock

    def grant(
        self, replaces: Replaces, target: Target, giver: Principal, flow: int, receiver: End
    ) -> None:
        """`giver`, whose REFER came by `flow`, sends `receiver` to `target`, to take its own place there.

        A later grant for the same call takes the place of an earlier one. Raises SipRefusal (403) if it is not
        the giver's own place in a call with that target, or if the receiver is in that call already.
        """
        seat = self._calls.seat(replaces.call_id, replaces.to_tag, replaces.from_tag)
        why = _why_not_given(replaces, seat, target, giver, flow, receiver)
        if seat is None or why:
            raise _refusal(giver, why)
        until = self._clock() + GRANT_SECONDS
        seat.call.grant = Grant(receiver.aor, receiver.flow, until, replaces.from_tag)
        _log.info("call.transfer_granted", by=giver.aor, to=receiver.aor, staying=target.aor)

    def replacement(self, invite: SipMessage, target: Target, caller: Principal) -> Replacement:
        """What a call that would replace another may replace, and by whose leave. `use` it when it goes on.

        Raises SipRefusal (403): no leave, another's, used up, too late, or it can't be read.
        """
        replaces = place_of(invite)
        if replaces is None or invite.method != "INVITE":
            raise _refusal(caller, "malformed")
        seat = self._calls.seat(replaces.call_id, replaces.to_tag, replaces.from_tag)
        why = self._why_not_replaced(replaces, seat, target, caller, invite.flow)
        if seat is None or why:
            raise _refusal(caller, why)
        return Replacement(seat.call, seat.own)

    def _why_not_replaced(
        self, replaces: Replaces, seat: Seat | None, target: Target, caller: Principal, flow: int
    ) -> str:
        """ "" if nothing stands against it."""
        grant = seat.call.grant if seat is not None else None
        if seat is None or grant is None or grant.leaving != replaces.from_tag:
            return "no grant"
        if replaces.early_only:
            return "early-only"
        if caller.kind is not Kind.MEMBER or (grant.aor, grant.flow) != (caller.aor, flow):
            return "another's grant"
        if self._clock() >= grant.until:
            return "too late"
        return "" if target.is_at(seat.own.end) else "another target"


def _why_not_given(
    replaces: Replaces,
    seat: Seat | None,
    target: Target,
    giver: Principal,
    flow: int,
    receiver: End,
) -> str:
    """ "" if nothing stands against it."""
    if seat is None:
        return "no such call"
    if replaces.early_only:
        return "early-only"
    end = seat.other.end
    if giver.kind is not Kind.MEMBER or (end.aor, end.flow) != (giver.aor, flow):
        return "not a party"
    if not target.is_at(seat.own.end):
        return "another target"
    if receiver.aor in (end.aor, seat.own.end.aor):
        return "in that call already"
    return ""


def _refusal(sender: Principal, why: str) -> SipRefusal:
    """The same whatever is wrong: who guesses tags learns nothing of other people's calls."""
    _log.info("call.not_replaced", aor=sender.aor, reason=why)
    return SipRefusal(403, "Calls can't be taken over", headers=(_WARNING,))
