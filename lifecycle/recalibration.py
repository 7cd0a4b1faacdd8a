"""Recalibration: the threshold that costs least on the champion's own answers, proposed when it surely saves."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from lifecycle.policy import CostPolicy
from lifecycle.verdict import Finding, Verdict

RULE = "threshold-saves"
THRESHOLD = "decision.threshold"
WORTH = 0.01
"""A change of the written rules should save at least this share of what wrong answers cost."""
CERTAINTY = 0.95
MINIMUM_DAYS = 14
"""Days are the honest unit: one storm makes a day's rows right or wrong together. Fewer say nothing for certain."""
FOLDS = 7
RESAMPLES = 4000
DECIMALS = 3
"""A policy is read aloud."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """Labelled answers that the threshold decided: labels of 0 and 1, scores and days, (n_rows,) each."""

    labels: Ints
    scores: Floats
    days: Ints

    def where(self, mask: npt.NDArray[np.bool_]) -> "Answers":
        """Return the rows for which a mask holds, (n_rows,) bool."""
        return Answers(self.labels[mask], self.scores[mask], self.days[mask])


@dataclass(frozen=True)
class Recalibrated:
    """What a threshold of its own would have saved a champion, per row in the policy's unit of cost.

    `saving` is measured on days that its threshold was not chosen by, between `low` and `high` with CERTAINTY.
    """

    written: float
    proposed: float
    rows: int
    days: int
    cost: float
    saving: float
    low: float
    high: float


def cheapest_threshold(labels: Ints, scores: Floats, cost: CostPolicy) -> float:
    """Return the threshold in [0, 1], to DECIMALS places, of least total cost on these rows.

    A score at or above it is answered "positive". Of equally cheap ones the nearest to the middle of their range is
    taken. This is where isotonic calibration of the scores crosses the break-even probability (Fawcett &
    Niculescu-Mizil, PAV and the ROC convex hull, 2007), so scores need not be calibrated.

    >>> policy = CostPolicy(false_alarm=1, missed=3)
    >>> cheapest_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.9]), policy)
    0.4
    """
    levels = np.arange(10**DECIMALS + 1) / 10**DECIMALS
    ordered = np.sort(scores)
    positives = np.sort(scores[labels == 1])
    negatives = np.sort(scores[labels == 0])
    if not len(ordered):
        return 0.5
    missed = np.searchsorted(positives, levels, side="left")
    alarms = len(negatives) - np.searchsorted(negatives, levels, side="left")
    total = missed * cost.missed + alarms * cost.false_alarm
    cheapest = np.flatnonzero(total == total.min())
    # The first run of neighbours only: another of equal cost answers other rows otherwise.
    run = cheapest[: 1 + int(np.argmax(np.append(np.diff(cheapest) > 1, True)))]
    return float(levels[run[(len(run) - 1) // 2]])


def recalibrate_threshold(
    answers: Answers, written: float, cost: CostPolicy, rng: np.random.Generator
) -> Recalibrated | None:
    """Return what another threshold would have saved; None with fewer than MINIMUM_DAYS days.

    The days, in order, are dealt to FOLDS folds in turn; the saving on each is measured with a threshold chosen on the
    others, because a threshold chosen by the rows it is measured on always seems to save. Its interval is the
    bootstrap's over days, with percentiles expanded for few days (Hesterberg, What Teachers Should Know About the
    Bootstrap, 2015).
    """
    days, place = np.unique(answers.days, return_inverse=True)
    if len(days) < MINIMUM_DAYS:
        return None
    fold = place % FOLDS
    saved = np.zeros(len(answers.labels))
    for number in range(FOLDS):
        mine = fold == number
        others = answers.where(~mine)
        chosen = cheapest_threshold(others.labels, others.scores, cost)
        saved[mine] = _costs(answers.where(mine), written, cost) - _costs(answers.where(mine), chosen, cost)
    by_day, rows = np.bincount(place, saved), np.bincount(place)
    drawn = rng.multinomial(len(days), np.full(len(days), 1 / len(days)), size=RESAMPLES)
    means = (drawn @ by_day) / (drawn @ rows)
    widened = np.sqrt(len(days) / (len(days) - 1)) * stats.t.ppf((1 - CERTAINTY) / 2, len(days) - 1)
    tail = float(stats.norm.cdf(widened))
    low, high = np.quantile(means, [tail, 1 - tail])
    return Recalibrated(
        written=written,
        proposed=cheapest_threshold(answers.labels, answers.scores, cost),
        rows=len(answers.labels),
        days=len(days),
        cost=float(_costs(answers, written, cost).mean()),
        saving=float(saved.mean()),
        low=float(low),
        high=float(high),
    )


def decide_recalibration(found: Recalibrated | None, days: int) -> Finding:
    """Return FAIL when the written threshold surely costs more than the champion's own: then a change is proposed.

    PASS when it does not, INCONCLUSIVE with too few days, of which there are `days`.
    """
    if found is None:
        told = f"the champion has labelled answers of {days} days; {MINIMUM_DAYS} are needed to propose a threshold"
        return Finding(RULE, Verdict.INCONCLUSIVE, float(days), float(MINIMUM_DAYS), told)
    share = found.saving / found.cost if found.cost > 0 else 0.0
    told = (
        f"on {found.rows} answers of {found.days} days, of which each was held against a threshold chosen on the "
        f"others, {found.proposed:g} instead of {found.written:g} saves {found.saving:.4g} of {found.cost:.4g} a row "
        f"({share:.1%}; {CERTAINTY:.0%} between {found.low:.4g} and {found.high:.4g})"
    )
    worth = found.low > 0 and share > WORTH and found.proposed != found.written
    if worth:
        return Finding(RULE, Verdict.FAIL, share, WORTH, told)
    return Finding(
        RULE, Verdict.PASS, share, WORTH, f"{told}: not surely more than {WORTH:.0%}, so nothing is proposed"
    )


def _costs(answers: Answers, threshold: float, cost: CostPolicy) -> Floats:
    warned = answers.scores >= threshold
    costs: Floats = np.where(warned, cost.false_alarm * (answers.labels == 0), cost.missed * (answers.labels == 1))
    return costs
