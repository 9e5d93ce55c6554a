"""REGISTER (RFC 3261 section 10.3) with outbound (RFC 5626) and GRUU (RFC 5627)."""

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote

from vestibule.registrar.bindings import Binding, Bindings, TooManyContacts
from vestibule.registrar.temporary_gruu import TemporaryGruus
from vestibule.sip.message import SipMessage, address_uri, parameter_of, tokens_of
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.transaction import ServerTransaction
from vestibule.sip.uri import SipUri

SHORTEST, USUAL, LONGEST = 60, 3600, 3600
"""Seconds a registration may last."""

FLOW_TIMER_SECONDS = 120
"""How often a client should send its keep-alive (RFC 5626 section 4.4)."""

_INSTANCE = re.compile(r"<[A-Za-z0-9:._-]{1,128}>")
_REG_ID = re.compile(r"[0-9]{1,10}")
_MOST_VALUES = 20


class Registrar:
    """Takes registrations of people whose address was proven. `clock` gives monotonic seconds."""

    def __init__(
        self, bindings: Bindings, gruus: TemporaryGruus, clock: Callable[[], float]
    ) -> None:
        self._bindings = bindings
        self._gruus = gruus
        self._clock = clock

    def register(self, transaction: ServerTransaction) -> None:
        """One REGISTER. Raises SipRefusal: 400, 403, 416, 423, 500; then nothing has changed."""
        request = transaction.request
        principal = transaction.principal
        aor = SipUri.parse(request.to_uri).aor.lower()
        if principal is None or principal.aor != aor:
            raise SipRefusal(403, "Not your address")
        contacts = request.values("Contact")
        if contacts == ["*"]:
            self._remove_all(request, aor)
        elif contacts:
            self._change(request, aor, contacts)
        transaction.respond(200, headers=self._answer(request, aor))

    def _change(self, request: SipMessage, aor: str, contacts: list[str]) -> None:
        if "*" in contacts or len(contacts) > _MOST_VALUES:
            raise SipRefusal(400, "Malformed Contact")
        wanted = [self._binding(request, aor, contact) for contact in contacts]
        self._check_order(request, aor, [binding for binding, _ in wanted])
        try:
            self._bindings.change(
                aor,
                put=[binding for binding, seconds in wanted if seconds > 0],
                remove=[binding.key for binding, seconds in wanted if seconds == 0],
            )
        except TooManyContacts:
            raise SipRefusal(403, "Too many contacts") from None

    def _remove_all(self, request: SipMessage, aor: str) -> None:
        if request.header("Expires") != "0":
            raise SipRefusal(400, "Contact: * needs Expires: 0")
        bindings = self._bindings.lookup(aor)
        self._check_order(request, aor, bindings)
        self._bindings.change(aor, put=(), remove=[binding.key for binding in bindings])

    def _check_order(self, request: SipMessage, aor: str, touched: list[Binding]) -> None:
        """An earlier request of the same client may not undo a later one (section 10.3)."""
        known = {binding.key: binding for binding in self._bindings.lookup(aor)}
        for binding in touched:
            earlier = known.get(binding.key)
            if earlier is None or earlier.call_id != request.call_id:
                continue
            if earlier.flow == request.flow and request.cseq <= earlier.cseq:
                raise SipRefusal(500, "CSeq out of order")

    def _binding(self, request: SipMessage, aor: str, contact: str) -> tuple[Binding, int]:
        uri = address_uri(contact)
        SipUri.parse(uri)
        seconds = _seconds(request, contact)
        instance = _checked(contact, "+sip.instance", _INSTANCE)
        binding = Binding(
            contact=uri,
            flow=request.flow,
            instance=instance,
            reg_id=_checked(contact, "reg-id", _REG_ID) if instance else "",
            gruu=_gruu(aor, instance) if instance else "",
            expires_at=self._clock() + seconds,
            call_id=request.call_id,
            cseq=request.cseq,
        )
        return binding, seconds

    def _answer(self, request: SipMessage, aor: str) -> list[tuple[str, str]]:
        supported = tokens_of(request, "Supported")
        headers = [("Supported", "outbound, gruu")]
        outbound = False
        for binding in self._bindings.lookup(aor):
            gruu = self._gruus.make(aor, binding.instance) if "gruu" in supported else ""
            headers.append(("Contact", self._contact(binding, temporary_gruu=gruu)))
            outbound |= bool(binding.reg_id) and binding.flow == request.flow
        if outbound and "outbound" in supported:
            headers.append(("Require", "outbound"))
            headers.append(("Flow-Timer", str(FLOW_TIMER_SECONDS)))
        return headers

    def _contact(self, binding: Binding, *, temporary_gruu: str) -> str:
        left = max(round(binding.expires_at - self._clock()), 0)
        value = f"<{binding.contact}>;expires={left}"
        if binding.instance:
            value += f';+sip.instance="{binding.instance}"'
            if temporary_gruu:
                value += f';pub-gruu="{binding.gruu}";temp-gruu="{temporary_gruu}"'
        if binding.reg_id:
            value += f";reg-id={binding.reg_id}"
        return value


@lru_cache(maxsize=4096)
def _gruu(aor: str, instance: str) -> str:
    """The public GRUU of a device (RFC 5627 section 4.3)."""
    return f"{aor};gr={quote(instance.strip('<>'), ':')}"


def _checked(contact: str, name: str, form: re.Pattern[str]) -> str:
    """A Contact parameter that must have a form; "" if absent. Raises SipRefusal (400)."""
    value = parameter_of(contact, name)
    if value is None:
        return ""
    if form.fullmatch(value) is None:
        raise SipRefusal(400, f"Malformed {name}")
    return value


def _seconds(request: SipMessage, contact: str) -> int:
    value = parameter_of(contact, "expires")
    if value is None:
        value = request.header("Expires")
    if value is None:
        return USUAL
    if not (value.isascii() and value.isdecimal()):
        return USUAL  # RFC 3261 section 20.10: malformed ones count as 3600
    if len(value) > 10:
        raise SipRefusal(400, "Overlarge Expires")
    seconds = int(value)
    if 0 < seconds < SHORTEST:
        raise SipRefusal(423, headers=(("Min-Expires", str(SHORTEST)),))
    return min(seconds, LONGEST)
