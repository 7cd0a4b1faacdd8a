"""Figures by metric and labels, which can be added up and kept as JSON."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from serving.metrics.family import Family

Labels = tuple[str, ...]


class Line(msgspec.Struct, frozen=True, array_like=True):
    """The values of one set of labels, as they are kept."""

    name: str
    labels: Labels
    values: tuple[float, ...]


@dataclass
class Figures:
    """Values by metric name and labels; how many values there are is the family's width."""

    _values: dict[str, dict[Labels, list[float]]] = field(default_factory=dict)

    @classmethod
    def from_lines(cls, lines: Iterable[Line]) -> "Figures":
        """Return figures that were kept as lines."""
        figures = cls()
        for line in lines:
            figures._add(line.name, line.labels, line.values)
        return figures

    def add(self, family: Family, labels: Labels, values: Sequence[float]) -> None:
        """Add values to what is there. Raises ValueError for labels or values that are not the family's."""
        if len(labels) != len(family.labels) or len(values) != family.width:
            raise ValueError(
                f"{family.name} takes {len(family.labels)} labels and {family.width} values, "
                f"not {len(labels)} and {len(values)}"
            )
        self._add(family.name, labels, values)

    def set(self, family: Family, labels: Labels, value: float) -> None:
        """Set a gauge."""
        self._values.setdefault(family.name, {})[labels] = [value]

    def merge(self, other: "Figures") -> None:
        """Add everything of another."""
        for line in other.lines():
            self._add(line.name, line.labels, line.values)

    def of(self, family: Family) -> Mapping[Labels, Sequence[float]]:
        """Return the values of a metric by labels; those that were kept with other bounds or labels are left out."""
        kept = self._values.get(family.name, {})
        return {
            labels: values
            for labels, values in kept.items()
            if len(values) == family.width and len(labels) == len(family.labels)
        }

    def lines(self) -> Iterator[Line]:
        """Yield everything, as it is kept."""
        # Another thread may bring a new label meanwhile.
        for name, values in list(self._values.items()):
            for labels, numbers in list(values.items()):
                yield Line(name, labels, tuple(numbers))

    def _add(self, name: str, labels: Labels, values: Sequence[float]) -> None:
        mine = self._values.setdefault(name, {})
        standing = mine.get(labels)
        if standing is None or len(standing) != len(values):
            # Of another release, with other bounds: the newest counts, as after a restart.
            mine[labels] = list(values)
            return
        for place, value in enumerate(values):
            standing[place] += value
