"""Quality without outcomes: what to expect of answers if their scores mean what such scores meant before."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student

from lifecycle.measuring.answers import Answers, Array
from lifecycle.measuring.chances import Chances, learn_chances
from lifecycle.measuring.expected import expected
from lifecycle.measuring.intervals import spread
from lifecycle.measuring.points import Point
from lifecycle.policy import CostPolicy
from lifecycle.quality import Estimate, Figure, FigureName, Figures

LARGEST_STEP = 300.0
"""On the log scale; beyond it a float has no room."""


@dataclass(frozen=True)
class Experience:
    """What earlier answers of a version teach: what its scores mean, and how far outcomes stray from that together.

    `mature` are answers whose labels had the time to come, over `windows` times the length of what is estimated.
    """

    mature: Answers
    windows: float


def estimate(answers: Answers, experience: Experience, cost: CostPolicy, level: float) -> Estimate | None:
    """Return what to expect of answers whose labels nobody looks at; None without answers.

    The confidence-based estimate of NannyML (Performance estimation: CBPE, in its documentation): with p the
    calibrated chance of each answer, the metrics are those of labels that are p parts positive. The interval is
    for what will come true of these answers. Independent outcomes would vary by the sum of g^2 p (1 - p), g being
    what a label moves the metric by; those of an hour or a day stray together, so that is multiplied by the ratio at
    which earlier outcomes strayed more than independent ones, over spans of the answers' length, never below 1. What
    is not known of the mean chance, from as many earlier labels, is added.
    """
    answers = answers.scored()
    if answers.rows == 0:
        return None
    chances = learn_chances(experience.mature)
    supposed = answers.scores if chances is None else chances.of(answers.scores)
    told = expected(answers.supposing(supposed), cost)
    if chances is None:
        # No error is known of scores that nobody has checked.
        figures = {name: Figure(value=point.value) for name, (point, _) in told.items()}
    else:
        strayed = _strayed(experience, chances, cost)
        figures = {}
        for name, (point, moves) in told.items():
            if name not in strayed:
                figures[name] = Figure(value=point.value)
                continue
            far = float(student.ppf(0.5 + level / 2, strayed[name].freedom))
            most = max(cost.false_alarm, cost.missed) if name == "cost_per_row" else 1.0
            figures[name] = _figure(name, point, far * _error(moves, supposed, strayed[name]), most)
    return Estimate(
        figures=Figures(
            rows=answers.rows,
            positives=round(float(supposed.sum())),
            hours=len(np.unique(answers.hours)),
            **figures,
        ),
        calibrated_on=0 if chances is None else experience.mature.rows,
    )


@dataclass(frozen=True)
class _Strayed:
    """How much more than independent outcomes those of earlier answers varied, and by how much a mean did."""

    ratio: float
    of_mean: float
    freedom: int


def _strayed(experience: Experience, chances: Chances, cost: CostPolicy) -> dict[FigureName, _Strayed]:
    mature = experience.mature
    supposed = chances.of(mature.scores)
    apart, alone = mature.labels - supposed, supposed * (1 - supposed)
    # Waves of about two spans and slower: what strays together for longer than that is one draw in the answers, too.
    freedom = max(2, round(2 * experience.windows))
    found: dict[FigureName, _Strayed] = {}
    for name, (_, moves) in expected(mature.supposing(supposed), cost).items():
        seen = spread(moves * apart, mature.hours, freedom)
        independent = float((moves**2 * alone).sum())
        if seen is not None and independent > 0:
            ratio = max(1.0, seen.error**2 / independent)
            found[name] = _Strayed(ratio, ratio * float(alone.sum()) / mature.rows**2, seen.freedom)
    return found


def _error(moves: Array, supposed: Array, strayed: _Strayed) -> float:
    own = strayed.ratio * float((moves**2 * supposed * (1 - supposed)).sum())
    return float(np.sqrt(own + float(moves.sum()) ** 2 * strayed.of_mean))


def _figure(name: FigureName, point: Point, away: float, most: float) -> Figure:
    """Return a value with what lies `away` on either side, on the scale that keeps it where it can be."""
    value = point.value
    if name == "log_loss":
        away = min(away / value, LARGEST_STEP)
        return Figure(value=value, low=value * float(np.exp(-away)), high=value * float(np.exp(away)))
    share = value / most if most else 0.0
    if not 0 < share < 1:
        return Figure(value=value)
    away /= most * share * (1 - share)
    low, high = (most * float(expit(logit(share) + side)) for side in (-away, away))
    return Figure(value=value, low=low, high=high)
