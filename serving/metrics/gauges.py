"""States that parts of the gateway tell as they change."""

import threading
from collections.abc import Mapping

from serving.metrics.family import Family
from serving.metrics.figures import Figures
from serving.metrics.served_families import BREAKER_OPEN

FAMILIES: Mapping[str, Family] = {family.name: family for family in (BREAKER_OPEN,)}
"""The gauges that can be set by name. Over the replicas they are added up."""


class Gauges:
    """This replica's gauges, set from any thread; a lock and a dictionary, so setting one costs a microsecond."""

    def __init__(self) -> None:
        self._figures = Figures()
        self._lock = threading.Lock()

    def set(self, name: str, labels: Mapping[str, str], value: float) -> None:
        """Set a gauge of FAMILIES for some labels; raises KeyError for another name, ValueError for other labels."""
        family = FAMILIES[name]
        if set(labels) != set(family.labels):
            raise ValueError(f"{name} has the labels {', '.join(family.labels)}, not {', '.join(labels)}")
        with self._lock:
            self._figures.set(family, tuple(labels[label] for label in family.labels), value)

    def figures(self) -> Figures:
        """Return a copy of all that were set."""
        with self._lock:
            return Figures.from_lines(self._figures.lines())
