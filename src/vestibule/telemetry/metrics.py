"""Metrics: what is counted anyway, told in Prometheus' form when somebody asks (docs/admins/metrics.md).

Nothing is counted twice. Each part that counts is a source here, named by the composition root; names and labels hold
no person, address or secret.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PREFIX = "vestibule_"

Values = Mapping[tuple[str, ...], float]
"""By the values of a metric's labels, in order."""


@dataclass(frozen=True, slots=True)
class Source:
    """One metric: its name without prefix, its labels, and who knows its values."""

    name: str
    says: str
    labels: tuple[str, ...]
    values: Callable[[], Values]
    rises: bool = True
    """Whether it only ever rises (a counter)."""


class Metrics(Collector):
    """All metrics of this process."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = tuple(sources)
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Empty metrics, so that registering asks no source."""
        return [_family(source) for source in self._sources]

    def collect(self) -> Iterator[Metric]:
        """Every metric as it is now."""
        for source in self._sources:
            family = _family(source)
            for labels, value in sorted(source.values().items()):
                family.add_metric(labels, value)
            yield family

    def text(self) -> bytes:
        """Prometheus' text format, version 0.0.4."""
        return generate_latest(self._registry)


def _family(source: Source) -> CounterMetricFamily | GaugeMetricFamily:
    family = CounterMetricFamily if source.rises else GaugeMetricFamily
    return family(PREFIX + source.name, source.says, labels=source.labels)


def flat(nested: Mapping[str, Mapping[str, int]]) -> Values:
    """Values by two labels from counters by name within counters by name."""
    return {(outer, inner): n for outer, named in nested.items() for inner, n in named.items()}


def single(named: Mapping[str, int]) -> Values:
    """Values by one label from counters by name."""
    return {(name,): n for name, n in named.items()}
