"""States that parts of the gateway tell as they change."""

import threading
from collections.abc import Callable, Iterable, Mapping

from serving.metrics.family import Family
from serving.metrics.figures import Figures, Labels
from serving.metrics.served_families import BREAKER_OPEN, FAILURE_BREAKER

FAMILIES: Mapping[str, Family] = {family.name: family for family in (BREAKER_OPEN, FAILURE_BREAKER)}
"""The gauges that can be set by name. Over the replicas they are added up."""


Told = Iterable[tuple[Mapping[str, str], float]]
"""Labels by name, each set with its value."""


class Gauges:
    """This replica's gauges: set by its parts as they change, or asked of them every few seconds; from any thread."""

    def __init__(self) -> None:
        self._figures = Figures()
        self._asked: list[tuple[Family, Callable[[], Told]]] = []
        self._lock = threading.Lock()

    def set(self, name: str, labels: Mapping[str, str], value: float) -> None:
        """Set a gauge of FAMILIES for some labels; raises KeyError for another name, ValueError for other labels."""
        family = FAMILIES[name]
        with self._lock:
            self._figures.set(family, _ordered(family, labels), value)

    def ask(self, name: str, told: Callable[[], Told]) -> None:
        """Take a gauge from what `told` returns each time; labels that it returns no more are gone.

        Raises KeyError for a name that FAMILIES does not have.
        """
        self._asked.append((FAMILIES[name], told))

    def figures(self) -> Figures:
        """Return a copy of all that were set, and what is answered now; raises what that raises."""
        with self._lock:
            figures = Figures.from_lines(self._figures.lines())
        for family, told in self._asked:
            for labels, value in told():
                figures.set(family, _ordered(family, labels), value)
        return figures


def _ordered(family: Family, labels: Mapping[str, str]) -> Labels:
    if set(labels) != set(family.labels):
        raise ValueError(f"{family.name} has the labels {', '.join(family.labels)}, not {', '.join(labels)}")
    return tuple(labels[label] for label in family.labels)
