"""Windowed aggregates: how many events an entity had in the last while, and what they summed to.

Every aggregate is over [at - width, at): an event counts for each moment after it became known, never for
the very moment. A row at `at` is therefore complete as soon as everything before `at` has been taken in.

Values are whole numbers and are summed as int64, so a sum is exact: it does not depend on how much history
was loaded, in which order, or on how the time line was cut into pieces.

Moments and widths are int64 in any one unit. Memory and time are O((n_events + n_queries) · log n_events).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lifecycle.errors import InvalidInput

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Names: TypeAlias = NDArray[np.object_] | NDArray[np.str_]

UNKNOWN = -1
"""The code of an entity without any event."""


@dataclass(frozen=True)
class History:
    """Events sorted by entity, then by the moment they became known.

    `entities` (n_entities,) and `moments` (n_moments,) are sorted and distinct; `places` (n_events,) holds an
    event's entity and moment as one number that sorts as the pair does; `values` are (n_events,) each and
    `sums` (n_events + 1,) their running totals.
    """

    entities: NDArray[np.str_]
    moments: Ints
    places: Ints
    values: Mapping[str, Ints]
    sums: Mapping[str, Ints]

    def codes_of(self, names: Names) -> Ints:
        """Return each name's position in `entities` (n,), UNKNOWN for a name without events."""
        wanted = np.asarray(names, dtype=np.str_)
        if self.entities.size == 0:
            return np.full(wanted.shape, UNKNOWN, dtype=np.int64)
        found = np.minimum(np.searchsorted(self.entities, wanted), self.entities.size - 1)
        return np.where(self.entities[found] == wanted, found, UNKNOWN).astype(np.int64)

    def first_at_or_after(self, codes: Ints, moments: Ints) -> Ints:
        """Return, per query, the position in the sorted events where [moment, …) of the entity begins."""
        rank = np.searchsorted(self.moments, moments)
        return np.searchsorted(self.places, codes * (self.moments.size + 1) + rank).astype(np.int64)


@dataclass(frozen=True)
class Window:
    """Aggregates per query, (n_queries,) each: `count` of events and `totals` of their values."""

    count: Ints
    totals: Mapping[str, Ints]

    def mean(self, name: str) -> Floats:
        """Return the mean of a value, NaN where the window is empty. Of a 0/1 value it is the rate."""
        empty = self.count == 0
        mean: Floats = np.where(empty, np.nan, self.totals[name] / np.where(empty, 1, self.count))
        return mean


def history_of(names: Names, known_at: Ints, values: Mapping[str, Ints]) -> History:
    """Return events, (n_events,) each, in the order that windows and recency need.

    Events of one entity and moment are ordered by their values, so that ties do not depend on input order.
    Raises InvalidInput when a value is not int64: sums of fractions would depend on how history was cut.

    >>> past = history_of(np.array(["UA", "UA"]), np.array([10, 20]), {"delay": np.array([4, -2])})
    >>> window_before(past, past.codes_of(np.array(["UA", "B6"])), np.array([20, 20]), 15).mean("delay")
    array([ 4., nan])
    """
    for name, column in values.items():
        if column.dtype != np.int64:
            raise InvalidInput(f"values of {name} are {column.dtype}; round them to whole int64 units first")
    entities, codes = np.unique(np.asarray(names, dtype=np.str_), return_inverse=True)
    moments, ranks = np.unique(known_at, return_inverse=True)
    places = codes.astype(np.int64) * (moments.size + 1) + ranks
    order = np.lexsort((*values.values(), places))
    ordered = {name: column[order] for name, column in values.items()}
    return History(
        entities=entities,
        moments=moments,
        places=places[order],
        values=ordered,
        sums={name: np.concatenate(([0], np.cumsum(column))) for name, column in ordered.items()},
    )


def window_before(history: History, codes: Ints, at: Ints, width: int) -> Window:
    """Return the aggregates of each query's entity over [at - width, at); zero for an UNKNOWN entity.

    Raises InvalidInput for a width that is not positive.
    """
    if width <= 0:
        raise InvalidInput(f"a window of {width} holds nothing; give a positive width")
    known = codes != UNKNOWN
    first = history.first_at_or_after(codes, at - width)
    end = history.first_at_or_after(codes, at)
    count = np.where(known, end - first, 0)
    totals = {name: np.where(known, sums[end] - sums[first], 0) for name, sums in history.sums.items()}
    return Window(count=count, totals=totals)
