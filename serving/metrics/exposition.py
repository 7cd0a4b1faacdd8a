"""Figures in Prometheus' own words."""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from serving.metrics.family import Family, Kind
from serving.metrics.figures import Figures

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4.encode()


def exposition(families: Sequence[Family], figures: Figures) -> bytes:
    """Return the page that Prometheus reads; a family without values still says what it is."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figured(families, figures))
    return generate_latest(registry)


class _Figured(Collector):
    def __init__(self, families: Sequence[Family], figures: Figures) -> None:
        self._families = families
        self._figures = figures

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the registry then does not ask for the figures just to know their names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every family with its values."""
        for family in self._families:
            yield _metric(family, self._figures)


def _metric(family: Family, figures: Figures) -> Metric:
    values = figures.of(family)
    if family.kind is Kind.HISTOGRAM:
        told = HistogramMetricFamily(family.name, family.says, labels=family.labels)
        for labels, numbers in values.items():
            told.add_metric(labels, _cumulative(family, numbers), numbers[-1])
        return told
    kind = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    metric = kind(family.name, family.says, labels=family.labels)
    for labels, (number,) in values.items():
        metric.add_metric(labels, number)
    return metric


def _cumulative(family: Family, numbers: Sequence[float]) -> list[tuple[str, float]]:
    bounds = [*(repr(bound) for bound in family.bounds), "+Inf"]
    told, so_far = [], 0.0
    for bound, count in zip(bounds, numbers[:-1], strict=True):
        so_far += count
        told.append((bound, so_far))
    return told
