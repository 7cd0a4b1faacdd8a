"""One metric by its name: what it means, its labels, and for a histogram its bounds."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a metric behaves; the words are Prometheus'."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Family:
    """A metric; `bounds` are a histogram's upper bounds, rising, without the infinite one.

    Its values are one number, or for a histogram a count for each bound, one for what lies above them all, and the sum.
    """

    name: str
    kind: Kind
    says: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """How many numbers a set of labels has."""
        return len(self.bounds) + 2 if self.kind is Kind.HISTOGRAM else 1


def counter(name: str, says: str, *labels: str) -> Family:
    """Return a counter; its name ends in _total."""
    return Family(name, Kind.COUNTER, says, labels)


def gauge(name: str, says: str, *labels: str) -> Family:
    """Return a gauge."""
    return Family(name, Kind.GAUGE, says, labels)


def histogram(name: str, says: str, bounds: tuple[float, ...], *labels: str) -> Family:
    """Return a histogram with these upper bounds."""
    return Family(name, Kind.HISTOGRAM, says, labels, bounds)
