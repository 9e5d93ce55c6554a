"""How good speech sounds, estimated from what the network does to it: the E-model, simplified.

ITU-T G.107 rates a connection from 0 to 100 (R). With its default values everything that has nothing to do with the
network comes to 93.2; from it are taken the effect of delay (Id, in the short form of Cole and Rosenbluth, "Voice over
IP performance monitoring", 2001) and that of codec and loss (Ie-eff, G.107 section 3.5, random loss). Annex B gives the
mean opinion score from R. It is an estimate for comparing calls and for alarms; nobody has listened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Grade(StrEnum):
    """What a score means to people (G.107 annex B: satisfied, some dissatisfied, many dissatisfied)."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"


@dataclass(frozen=True, slots=True)
class CodecImpairment:
    """What a codec does to speech: by itself (Ie), and how well it bears loss, in per cent (Bpl)."""

    equipment: float
    robustness: float


CODECS: Mapping[str, CodecImpairment] = MappingProxyType(
    {
        "PCMU": CodecImpairment(0.0, 25.1),
        "PCMA": CodecImpairment(0.0, 25.1),
        # The ITU rates wideband on a scale of its own; on this one, taken as a little more fragile than G.711.
        "G722": CodecImpairment(0.0, 20.0),
        # The ITU has not rated it; taken as G.711 with concealment.
        "opus": CodecImpairment(0.0, 25.1),
    }
)
"""By SDP name. G.113 appendix I has G.711 with packet loss concealment; we conceal."""

_BEST = 93.2
_PACKETIZATION = 0.020  # seconds that a packet's speech takes
_TOO_LATE = 177.3  # milliseconds from which on delay is felt in turns of talk
_GOOD, _FAIR = 4.0, 3.1


def mouth_to_ear(round_trip: float, jitter: float) -> float:
    """Seconds one way: half the round trip, a packet's length, and a jitter buffer of twice the jitter."""
    return round_trip / 2 + _PACKETIZATION + 2 * jitter


def rating(*, delay: float, loss: float, codec: str) -> float:
    """R, 0 to 100, of one way. `delay` in seconds from mouth to ear, `loss` from 0.0 to 1.0, `codec` by SDP name."""
    milliseconds = max(delay, 0.0) * 1000
    lost = min(max(loss, 0.0), 1.0) * 100
    impairment = CODECS.get(codec, CODECS["opus"])
    by_delay = 0.024 * milliseconds + 0.11 * max(milliseconds - _TOO_LATE, 0.0)
    by_loss = impairment.equipment + (95 - impairment.equipment) * lost / (
        lost + impairment.robustness
    )
    return min(max(_BEST - by_delay - by_loss, 0.0), 100.0)


def score(r: float) -> float:
    """The mean opinion score, 1.0 to 4.5, of a rating (G.107 annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    # Below 6.5 the cubic dips under 1, which no score is.
    return max(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1.0)


def mean_opinion_score(
    *, loss: float, jitter: float, round_trip: float | None, codec: str
) -> float:
    """1.0 to 4.5 for one way. Times in seconds; without a round trip, delay is that of the receiver alone."""
    delay = mouth_to_ear(round_trip or 0.0, jitter)
    return score(rating(delay=delay, loss=loss, codec=codec))


def grade_of(mos: float) -> Grade:
    """What people would call it."""
    if mos >= _GOOD:
        return Grade.GOOD
    return Grade.FAIR if mos >= _FAIR else Grade.POOR
