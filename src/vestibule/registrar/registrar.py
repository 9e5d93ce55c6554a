"""REGISTER (RFC 3261 section 10.3, RFC 5626 outbound, RFC 5627 GRUU)."""

from collections.abc import Callable
from urllib.parse import quote

import structlog

from vestibule.registrar.bindings import Binding, Bindings, TooManyContacts
from vestibule.sip.message import SipMessage, address_uri, parameter_of, tokens_of
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.transaction import ServerTransaction
from vestibule.sip.uri import SipUri

SHORTEST, USUAL, LONGEST = 60, 3600, 3600
"""Seconds a registration may last."""
FLOW_TIMER_SECONDS = 120
_log = structlog.get_logger(__name__)


class Registrar:
    """Takes registrations of the people whose address was proven. `clock` gives monotonic seconds."""

    def __init__(self, bindings: Bindings, clock: Callable[[], float]) -> None:
        self._bindings = bindings
        self._clock = clock

    def register(self, transaction: ServerTransaction) -> None:
        """One REGISTER. Raises SipRefusal: 400, 403, 423, 503; then nothing has changed."""
        request = transaction.request
        principal = transaction.principal
        aor = SipUri.parse(request.to_uri).aor
        if principal is None or principal.aor != aor:
            raise SipRefusal(403, headers=(("Reason", 'SIP;cause=403;text="not your address"'),))
        contacts = request.values("Contact")
        if contacts == ["*"]:
            self._remove_all(request, aor)
        elif "*" in contacts:
            raise SipRefusal(400, "Contact: * stands alone")
        else:
            self._apply(request, aor, [self._binding(request, aor, c) for c in contacts])
        transaction.respond(200, headers=self._answer(request, aor))
        _log.debug("registrar.registered", aor=aor, bindings=len(self._bindings.lookup(aor)))

    def _apply(self, request: SipMessage, aor: str, wanted: list[tuple[Binding, int]]) -> None:
        kept = {binding.key: binding for binding in self._bindings.lookup(aor)}
        for binding, _ in wanted:
            earlier = kept.get(binding.key)
            if earlier is not None and earlier.call_id == request.call_id:
                if request.cseq <= earlier.cseq and earlier.flow == request.flow:
                    raise SipRefusal(500, "Out of order")
        for binding, seconds in wanted:
            if seconds == 0:
                self._bindings.remove(aor, binding.key)
                continue
            try:
                self._bindings.put(aor, binding)
            except TooManyContacts:
                raise SipRefusal(
                    503, "Too many contacts", headers=(("Retry-After", "60"),)
                ) from None

    def _remove_all(self, request: SipMessage, aor: str) -> None:
        if request.header("Expires") != "0":
            raise SipRefusal(400, "Contact: * needs Expires: 0")
        for binding in self._bindings.lookup(aor):
            self._bindings.remove(aor, binding.key)

    def _binding(self, request: SipMessage, aor: str, contact: str) -> tuple[Binding, int]:
        uri = address_uri(contact)
        SipUri.parse(uri)
        seconds = _seconds(request, contact)
        instance = parameter_of(contact, "+sip.instance") or ""
        reg_id = parameter_of(contact, "reg-id") or "" if instance else ""
        binding = Binding(
            contact=uri,
            flow=request.flow,
            instance=instance,
            reg_id=reg_id,
            gruu=f"{aor};gr={quote(instance.strip('<>'), ':')}" if instance else "",
            expires_at=self._clock() + seconds,
            call_id=request.call_id,
            cseq=request.cseq,
        )
        return binding, seconds

    def _answer(self, request: SipMessage, aor: str) -> list[tuple[str, str]]:
        supported = tokens_of(request, "Supported")
        headers = []
        outbound = False
        for binding in self._bindings.lookup(aor):
            left = max(int(binding.expires_at - self._clock()), 0)
            value = f"<{binding.contact}>;expires={left}"
            if binding.instance:
                value += f';+sip.instance="{binding.instance}"'
                if "gruu" in supported:
                    value += f';pub-gruu="{binding.gruu}"'
            if binding.reg_id:
                value += f";reg-id={binding.reg_id}"
                outbound |= binding.flow == request.flow
            headers.append(("Contact", value))
        if outbound and "outbound" in supported:
            headers.append(("Require", "outbound"))
            headers.append(("Flow-Timer", str(FLOW_TIMER_SECONDS)))
        return headers


def _seconds(request: SipMessage, contact: str) -> int:
    value = parameter_of(contact, "expires")
    if value is None:
        value = request.header("Expires")
    if value is None:
        return USUAL
    if not value.isdecimal() or len(value) > 10:
        raise SipRefusal(400, "Malformed Expires")
    seconds = int(value)
    if 0 < seconds < SHORTEST:
        raise SipRefusal(423, headers=(("Min-Expires", str(SHORTEST)),))
    return min(seconds, LONGEST)
