"""Counts who was turned away, and why."""

from dataclasses import dataclass, field

from serving.caller import Caller
from serving.metrics.figures import Figures
from serving.metrics.served_families import TURNED_AWAY

STRANGER = ""
"""The label of a caller that no key names."""


@dataclass
class Refusals:
    """How often each tenant was turned away, by priority and kind of problem. Counted on the event loop."""

    _counts: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def count(self, caller: Caller | None, kind: str) -> None:
        """Count one; None is a caller whose name and priority nobody knows."""
        tenant = STRANGER if caller is None or caller.tenant is None else caller.tenant
        priority = "" if caller is None else caller.priority.name.lower()
        labels = (tenant, priority, kind)
        self._counts[labels] = self._counts.get(labels, 0) + 1

    def counters(self) -> Figures:
        """Return the counts so far; on any thread."""
        figures = Figures()
        for labels, count in list(self._counts.items()):
            figures.add(TURNED_AWAY, labels, [count])
        return figures
