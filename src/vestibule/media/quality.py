"""How media fares, from the native core's numbers: what an organizer, an admin's metrics and the log are told."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from vestibule import _native
from vestibule.media.mos import Grade, grade_of, mean_opinion_score

_SOUGHT_EVERY = 1.0
"""Seconds; one scrape asks for several metrics, which are all made of one look."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One source's media in one direction: `bitrate` in bits of payload a second, `jitter` in seconds. What is None
    hasn't been reported lately.
    """

    source: str
    packets: int
    octets: int
    bitrate: int
    loss: float | None
    jitter: float | None


@dataclass(frozen=True, slots=True)
class EndpointQuality:
    """One endpoint's media; received is what comes from it. Round trip in seconds, scores from 1.0 to 4.5."""

    endpoint: str
    is_phone: bool
    is_connected: bool
    audio_codec: str
    round_trip: float | None
    received: tuple[Flow, ...]
    """Only of sources of which there has been anything; so with `sent`."""
    sent: tuple[Flow, ...]
    mos_received: float | None
    """How the endpoint's speech sounds here; None while there is none."""
    mos_sent: float | None
    """How speech sounds there, by what the endpoint reports."""


def quality_of(native: _native.EndpointQuality) -> EndpointQuality:
    """The core's numbers with the scores that follow from them."""
    received, sent = _flows(native.received), _flows(native.sent)
    trip, codec = native.round_trip, native.audio_codec
    return EndpointQuality(
        endpoint=native.endpoint,
        is_phone=native.is_phone,
        is_connected=native.is_connected,
        audio_codec=codec,
        round_trip=trip,
        received=received,
        sent=sent,
        mos_received=_score(received, trip, codec),
        mos_sent=_score(sent, trip, codec),
    )


def _flows(native: Iterable[_native.MediaFlow]) -> tuple[Flow, ...]:
    return tuple(
        Flow(flow.source, flow.packets, flow.octets, flow.bitrate, flow.loss, flow.jitter)
        for flow in native
        if flow.packets
    )


def _score(flows: tuple[Flow, ...], round_trip: float | None, codec: str) -> float | None:
    for flow in flows:
        if flow.source == "audio" and flow.loss is not None:
            return mean_opinion_score(
                loss=flow.loss, jitter=flow.jitter or 0.0, round_trip=round_trip, codec=codec
            )
    return None


class MediaTotals:
    """All endpoints summed up, for metrics: nobody named, no meeting told apart. `look` gives everyone's quality."""

    def __init__(
        self,
        look: Callable[[], Iterable[EndpointQuality]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._clock = clock
        self._seen: tuple[EndpointQuality, ...] = ()
        self._seen_at: float | None = None

    def endpoints(self) -> Mapping[tuple[str, ...], float]:
        """How many there are, by kind."""
        counts: dict[tuple[str, ...], float] = {("browser",): 0.0, ("phone",): 0.0}
        for quality in self._all():
            counts[("phone" if quality.is_phone else "browser",)] += 1
        return counts

    def grades(self) -> Mapping[tuple[str, ...], float]:
        """How many endpoints' speech, by direction, sounds how."""
        counts: dict[tuple[str, ...], float] = {
            (way, grade): 0.0 for way in ("received", "sent") for grade in (*Grade, "unknown")
        }
        for quality in self._all():
            for way, mos in (("received", quality.mos_received), ("sent", quality.mos_sent)):
                counts[way, "unknown" if mos is None else grade_of(mos)] += 1
        return counts

    def bitrates(self) -> Mapping[tuple[str, ...], float]:
        """Bits of payload a second, by direction and source."""
        sums: dict[tuple[str, ...], float] = {}
        for way, flow in self._flows():
            sums[way, flow.source] = sums.get((way, flow.source), 0.0) + flow.bitrate
        return sums

    def losses(self) -> Mapping[tuple[str, ...], float]:
        """The mean share of packets lost, by direction and source, of the endpoints of which it is known."""
        return self._means((way, flow.source, flow.loss) for way, flow in self._flows())

    def jitters(self) -> Mapping[tuple[str, ...], float]:
        """The mean jitter in seconds, by direction and source, of the endpoints of which it is known."""
        return self._means((way, flow.source, flow.jitter) for way, flow in self._flows())

    def round_trip(self) -> Mapping[tuple[str, ...], float]:
        """The mean round trip in seconds of the endpoints of which it is known."""
        known = [q.round_trip for q in self._all() if q.round_trip is not None]
        return {(): sum(known) / len(known)} if known else {}

    def _means(
        self, told: Iterable[tuple[str, str, float | None]]
    ) -> Mapping[tuple[str, ...], float]:
        known: dict[tuple[str, ...], list[float]] = {}
        for way, source, value in told:
            if value is not None:
                known.setdefault((way, source), []).append(value)
        return {labels: sum(values) / len(values) for labels, values in known.items()}

    def _flows(self) -> Iterable[tuple[str, Flow]]:
        for quality in self._all():
            yield from (("received", flow) for flow in quality.received)
            yield from (("sent", flow) for flow in quality.sent)

    def _all(self) -> tuple[EndpointQuality, ...]:
        now = self._clock()
        if self._seen_at is None or now - self._seen_at >= _SOUGHT_EVERY:
            self._seen, self._seen_at = tuple(self._look()), now
        return self._seen
