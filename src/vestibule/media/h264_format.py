"""H.264 in an offer: which of its payload types a phone can be sent, and what is answered of it (RFC 6184 section 8).

What we send is constrained baseline, which decoders of every profile here take, in packetization-mode 1: a picture is
one slice, which mode 0 could not carry in parts.
"""

import re
from dataclasses import dataclass

from vestibule.sip.sdp import Codec, MediaDescription

_CLOCK = 90_000
_UNSAID = "42000a"
"""Baseline of level 1, if the phone doesn't say (section 8.1)."""
_PROFILES = frozenset({0x42, 0x4D, 0x58, 0x64})
"""Baseline, main, extended, high."""
_LEVEL_1B, _LEVEL_1_1 = 9, 11
_CONSTRAINT_3 = 0x10
"""With level 1.1 it means level 1b."""


@dataclass(frozen=True, slots=True)
class H264Format:
    """One payload type of H.264 that can be sent."""

    profile_level_id: str
    """As it was offered: the profile may not be another one, and no higher level is sent."""
    is_asymmetric: bool
    """Whether the phone lets both directions have levels of their own."""

    @property
    def level(self) -> int:
        """The level_idc that the phone takes; 9 is level 1b."""
        _, constraints, level = bytes.fromhex(self.profile_level_id)
        is_1b = level == _LEVEL_1_1 and constraints & _CONSTRAINT_3
        return _LEVEL_1B if is_1b else level

    @property
    def parameters(self) -> str:
        """The answer's format parameters (section 8.2.2)."""
        asymmetry = ";level-asymmetry-allowed=1" if self.is_asymmetric else ""
        return f"profile-level-id={self.profile_level_id};packetization-mode=1{asymmetry}"


def choose_h264(medium: MediaDescription) -> tuple[Codec, H264Format] | None:
    """The first payload type of an m-line that can be sent; None if there is none."""
    for codec in medium.codecs():
        if (codec.name.upper(), codec.rate) == ("H264", _CLOCK):
            described = _format(_parameters(medium, codec.payload_type))
            if described is not None:
                return codec, described
    return None


def _parameters(medium: MediaDescription, payload_type: int) -> dict[str, str]:
    """The format parameters of a payload type, by their names in lower case."""
    for value in medium.values("fmtp"):
        number, _, text = value.partition(" ")
        if number == str(payload_type):
            pairs = (part.partition("=") for part in text.split(";"))
            return {name.strip().lower(): said.strip() for name, _, said in pairs}
    return {}


def _format(parameters: dict[str, str]) -> H264Format | None:
    profile_level_id = parameters.get("profile-level-id", _UNSAID).lower()
    if parameters.get("packetization-mode") != "1":
        return None
    if not re.fullmatch("[0-9a-f]{6}", profile_level_id):
        return None
    described = H264Format(profile_level_id, parameters.get("level-asymmetry-allowed") == "1")
    is_known = int(profile_level_id[:2], 16) in _PROFILES
    return described if is_known and described.level >= _LEVEL_1B else None
