"""Windows in which nothing moved, and some in which one thing did, before our decision and two simpler ones."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from lifecycle.drift.comparing import compare
from lifecycle.drift.comparison import Certainty, Comparison
from lifecycle.drift.deciding import decide_drift
from lifecycle.profile import Profile
from lifecycle.watching_policy import DriftPolicy
from tests.bench.drift.made_up import MadeUp, as_baseline, as_window, draw, shifted, swapped, with_more_gaps

BASELINE_ROWS = 20_000
BASELINE_DAYS = 60
WINDOW_DAYS = 7
A_BASELINE = 10
"""Windows compared with one baseline before a new one is drawn: a baseline's own chance is in the rate too."""
USUAL_PSI = 0.1
MANY_NAMES = frozenset({"destination", "tail_number"})
WEATHER = 0.3
"""Share of a value's variance that a day has in common, in the worlds in which rows come by days."""
KINDS = ("nothing", "nothing, by days", "shift", "swap", "gaps")
COLUMNS = {"shift": "normal", "swap": "place", "gaps": "normal_with_gaps"}


@dataclass(frozen=True)
class Raised:
    """The columns that each way of looking calls moved in one window."""

    ours: frozenset[str]
    at_larger_effect: frozenset[str]
    as_if_independent: frozenset[str]
    usual_psi: frozenset[str]
    usual_psi_few_bins: frozenset[str]


def bench_policy(minimum_effect: float) -> DriftPolicy:
    """Return a policy for windows of 100 rows and more."""
    return DriftPolicy(
        window_hours=24 * WINDOW_DAYS,
        minimum_rows=100,
        false_alarm_rate=0.01,
        minimum_effect=minimum_effect,
        minimum_missing=0.02,
        features_alone="note",
        then="alarm",
    )


def raised_over(kind: str, rows: int, seeds: Iterator[tuple[int, ...]]) -> list[Raised]:
    """Return what is raised in the windows of one baseline, a window for each seed."""
    first = next(seeds)
    alike = WEATHER if kind == "nothing, by days" else 0.0
    baseline = as_baseline(draw(np.random.default_rng((*first, 999)), BASELINE_ROWS, BASELINE_DAYS, alike))
    return [_one(kind, rows, baseline, np.random.default_rng(seed), alike) for seed in (first, *seeds)]


def _one(kind: str, rows: int, baseline: Profile, rng: np.random.Generator, alike: float) -> Raised:
    made = _changed(kind, rng, draw(rng, rows, WINDOW_DAYS, alike))
    compared = compare(baseline, as_window(baseline, made), days=WINDOW_DAYS)
    usual = frozenset(one.column for one in compared if (one.psi or 0.0) > USUAL_PSI)
    return Raised(
        ours=_named(compared, 0.02),
        at_larger_effect=_named(compared, 0.1),
        as_if_independent=_named(as_if_independent(compared), 0.02),
        usual_psi=usual,
        usual_psi_few_bins=usual - MANY_NAMES,
    )


def _changed(kind: str, rng: np.random.Generator, made: MadeUp) -> MadeUp:
    if kind == "shift":
        return shifted(made)
    if kind == "swap":
        return swapped(made)
    return with_more_gaps(rng, made) if kind == "gaps" else made


def _named(compared: tuple[Comparison, ...], minimum_effect: float) -> frozenset[str]:
    return frozenset(move.column for move in decide_drift(compared, bench_policy(minimum_effect)))


def as_if_independent(compared: Iterable[Comparison]) -> tuple[Comparison, ...]:
    """Return the comparisons as they were if all rows had nothing to do with each other."""
    return tuple(
        replace(
            one,
            moved=_independent(one.moved),
            missing_moved=_independent(one.missing_moved),
            unseen_moved=_independent(one.unseen_moved),
            blocked_expected_psi=one.expected_psi,
        )
        for one in compared
    )


def _independent(found: Certainty | None) -> Certainty | None:
    return None if found is None else Certainty(found.p_value, found.p_value)


def share_of_looks(kind: str, windows: list[Raised]) -> Mapping[str, float]:
    """Return the share of looks that raise anything, or, where one column moved, that name this one."""
    column = COLUMNS.get(kind)
    ways = {
        "ours": [window.ours for window in windows],
        "ours, minimum_effect 0.1": [window.at_larger_effect for window in windows],
        "as if independent": [window.as_if_independent for window in windows],
        "PSI > 0.1": [window.usual_psi for window in windows],
        "PSI > 0.1, up to 21 bins": [window.usual_psi_few_bins for window in windows],
    }
    return {
        way: float(np.mean([column in names if column else bool(names) for names in raised]))
        for way, raised in ways.items()
    }
