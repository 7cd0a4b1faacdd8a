"""How often something happened, counting what a unit asks again within an hour once."""

import numpy as np

from flows.supervision.rows import Sides
from lifecycle.evidence import Rates, Tally


def error_rates(sides: Sides) -> Rates:
    """Return how often each side failed; paired, how often only one of the two did."""
    candidate = sides.candidate
    failed = candidate["failed"].to_numpy()
    if sides.baseline is None:
        return Rates(candidate=tally(candidate["asked"].to_numpy(), failed), baseline=None)
    beside = sides.baseline["failed"].to_numpy()
    if not sides.paired:
        return Rates(
            candidate=tally(candidate["asked"].to_numpy(), failed),
            baseline=tally(sides.baseline["asked"].to_numpy(), beside),
        )
    # Both are looked at by the candidate's unit and hour: what both did in one of them, neither did alone.
    asked = candidate["asked"].to_numpy()
    mine, its = np.unique(asked[failed]), np.unique(asked[beside])
    observations = len(np.unique(asked))
    return Rates(
        candidate=Tally(events=len(np.setdiff1d(mine, its)), observations=observations),
        baseline=Tally(events=len(np.setdiff1d(its, mine)), observations=observations),
    )


def disagreement(sides: Sides) -> Rates:
    """Return how often the two of a pair decided otherwise; pairs of which one did not answer say nothing."""
    if sides.baseline is None or not sides.paired:
        raise ValueError("only pairs can disagree")
    both = ~sides.candidate["failed"].to_numpy() & ~sides.baseline["failed"].to_numpy()
    mine, its = sides.candidate["decision"].to_numpy()[both], sides.baseline["decision"].to_numpy()[both]
    return Rates(candidate=tally(sides.candidate["asked"].to_numpy()[both], mine != its), baseline=None)


def tally(asked: np.ndarray, events: np.ndarray) -> Tally:
    """Return the observations among rows, equal numbers in `asked` being one, and those with any event.

    >>> tally(np.array([1, 1, 2]), np.array([False, True, False]))
    Tally(events=1, observations=2)
    """
    return Tally(events=len(np.unique(asked[events])), observations=len(np.unique(asked)))
