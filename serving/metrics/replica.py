"""What one replica knows about itself: its requests, its queues, its shadows' losses, and what its parts told it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lifecycle.priority import PRIORITIES
from serving.metrics.family import Family
from serving.metrics.figures import Figures
from serving.metrics.gauges import Gauges
from serving.metrics.requests import RequestMeter
from serving.metrics.served_families import IN_FLIGHT, QUEUE, SHADOW_CRASHES, SHADOW_ROWS, SHIPPING_FAILS
from serving.models import Models, ServedModel

LOSSES: Mapping[Family, str] = {SHADOW_ROWS: "dropped_rows", SHADOW_CRASHES: "crashes"}
"""What a shadow's word tells beside its rows in the log."""
ShadowWord = Callable[[str], Mapping[str, float | int | str] | None]
"""What is known of a model's shadow; see serving/shadow/tally.py."""


@dataclass
class ReplicaFigures:
    """This replica's figures, read on one thread; `shipping_fails` says whether its log's last shipping did.

    `turned_away` returns the counts of whom the door turned away. `more` are counters of its other parts.
    """

    models: Models
    meter: RequestMeter
    gauges: Gauges
    shadow: ShadowWord
    shipping_fails: Callable[[], bool]
    turned_away: Callable[[], Figures] = Figures
    more: Callable[[], Figures] = Figures
    _lost: Figures = field(default_factory=Figures)
    _seen: dict[str, tuple[tuple[str, str], dict[Family, int]]] = field(default_factory=dict)

    def counters(self) -> Figures:
        """Return what has been counted since the replica started."""
        figures = self.meter.counters()
        figures.merge(self.more())
        self._count_lost()
        figures.merge(self._lost)
        figures.merge(self.turned_away())
        return figures

    def now(self) -> Figures:
        """Return how it stands at this moment."""
        figures = self.gauges.figures()
        for model, count in self.meter.in_flight().items():
            figures.set(IN_FLIGHT, (model,), float(count))
        for served in self.models.serving():
            for priority, count in zip(PRIORITIES, _waiting(served), strict=True):
                figures.set(QUEUE, (served.plan.model, priority), float(count))
        figures.set(SHIPPING_FAILS, (), float(self.shipping_fails()))
        return figures

    def _count_lost(self) -> None:
        for served in self.models.serving():
            model = served.plan.model
            word = self.shadow(model)
            if word is None:
                self._seen.pop(model, None)
                continue
            trial = (str(word.get("version")), str(word.get("since_revision")))
            counts = {family: int(word.get(key, 0)) for family, key in LOSSES.items()}
            before, known = self._seen.get(model, (trial, {}))
            for family, count in counts.items():
                # What a shadow says begins anew with its trial, and with its process when the policy has changed.
                fresh = max(0, count - (known.get(family, 0) if before == trial else 0))
                labels = (model, trial[0], "dropped") if family is SHADOW_ROWS else (model, trial[0])
                self._lost.add(family, labels, [float(fresh)])
            self._seen[model] = (trial, counts)


def _waiting(served: ServedModel) -> Sequence[int]:
    batchers = {id(one): one for lane in served.lanes.values() for one in (lane.batcher, lane.strict)}
    if served.trial is not None:
        batchers |= {id(one): one for one in served.trial.arms.values()}
    return [sum(counts) for counts in zip(*(one.waiting_by_priority() for one in batchers.values()), strict=True)]
