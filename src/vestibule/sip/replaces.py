"""Which call a new one is to take the place of: the Replaces header (RFC 3891 section 6.1)."""

import re
from dataclasses import dataclass

from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal

_TAKE_A_PLACE = ("Replaces", "Join")

_WORD = r"[A-Za-z0-9.!%*_+`'~()<>:\\\"/\[\]?{}-]+"
_CALL_ID = re.compile(rf"{_WORD}(?:@{_WORD})?")
_PARAMETER = re.compile(r"([A-Za-z-]+)(?:[ \t]*=[ \t]*([A-Za-z0-9.!%*_+`'~-]+))?")
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Replaces:
    """A dialog, as who gets the new call knows it: `to_tag` is its own, `from_tag` the other end's.

    `early_only`: it may be replaced only while nobody has answered yet.
    """

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @staticmethod
    def parse(text: str) -> "Replaces | None":
        """Read the header's value; None for what isn't one. Parameters that the RFC doesn't name are none,
        for a device could understand by them more than we do.
        """
        if len(text) > _LONGEST:
            return None
        call_id, *parameters = (part.strip(" \t") for part in text.split(";"))
        if _CALL_ID.fullmatch(call_id) is None:
            return None
        found: dict[str, str] = {}
        for parameter in parameters:
            match = _PARAMETER.fullmatch(parameter)
            if match is None or match[1].lower() in found:
                return None
            found[match[1].lower()] = match[2] or ""
        early_only = found.pop("early-only", None)
        to_tag, from_tag = found.pop("to-tag", ""), found.pop("from-tag", "")
        if found or early_only or not (to_tag and from_tag):
            return None
        return Replaces(call_id, to_tag, from_tag, early_only is not None)

    def __str__(self) -> str:
        flag = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{flag}"


def takes_a_place(message: SipMessage) -> bool:
    """Whether a request is about another call than its own (Replaces; Join of RFC 3911)."""
    return any(message.header(name) is not None for name in _TAKE_A_PLACE)


def require_own_place(message: SipMessage) -> None:
    """Raises SipRefusal (403) if a request is about another call than its own, where that is nobody's to ask."""
    if takes_a_place(message):
        raise SipRefusal(403, "Calls can't be taken over")


def place_of(message: SipMessage) -> Replaces | None:
    """The one dialog that a request is to replace; None unless it says exactly that (RFC 3891 section 3)."""
    values = message.headers("Replaces")
    if len(values) != 1 or message.header("Join") is not None:
        return None
    return Replaces.parse(values[0])
