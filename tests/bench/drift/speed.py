"""The time of a look: on counts that are kept anyway, with the counting, and by Evidently on the same two windows."""

import time
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from lifecycle.drift.comparing import compare
from lifecycle.drift.comparison import Comparison
from lifecycle.drift.deciding import decide_drift
from tests.bench.drift.evidently_report import load, report
from tests.bench.drift.made_up import NAMES, NUMBERS, MadeUp, as_baseline, as_window, draw, shifted
from tests.bench.drift.windows import BASELINE_DAYS, WINDOW_DAYS, bench_policy

ROUNDS = 3


def timed(rows: int, seed: int) -> Mapping[str, float]:
    """Return the seconds of each, the best of three rounds, over two windows of `rows` x 14, and the ratios."""
    rng = np.random.default_rng((seed, 7))
    reference, current = draw(rng, rows, BASELINE_DAYS), shifted(draw(rng, rows, WINDOW_DAYS))
    baseline = as_baseline(reference)
    window = as_window(baseline, current)
    then, now = as_frame(reference), as_frame(current)
    policy = bench_policy(0.02)
    load()
    seconds = {
        "ours, counts kept": _best(lambda: decide_drift(compare(baseline, window, days=WINDOW_DAYS), policy)),
        "ours, counting the window": _best(
            lambda: decide_drift(compare(baseline, as_window(baseline, current), days=WINDOW_DAYS), policy)
        ),
        "ours, drawing the baseline too": _best(
            lambda: decide_drift(_from_nothing(reference, current), policy),
        ),
        "Evidently, its preset": _best(lambda: report(now, then, NUMBERS, NAMES, None)),
        "Evidently, PSI only": _best(lambda: report(now, then, NUMBERS, NAMES, "psi")),
    }
    slowest = seconds["Evidently, its preset"]
    return {
        **{f"{name}, s": round(taken, 4) for name, taken in seconds.items()},
        **{f"times faster than the preset: {name}": round(slowest / taken, 1) for name, taken in seconds.items()},
    }


def as_frame(made: MadeUp) -> pd.DataFrame:
    """Return the rows as Evidently takes them, missing values as NaN."""
    values = np.where(made.defaulted, np.nan, made.matrix.astype(np.float64))
    return pd.DataFrame(values, columns=list(NUMBERS)).assign(
        **{name: pd.Series(texts, dtype=object) for name, texts in made.texts.items()}
    )


def _from_nothing(reference: MadeUp, current: MadeUp) -> tuple[Comparison, ...]:
    baseline = as_baseline(reference)
    return compare(baseline, as_window(baseline, current), days=WINDOW_DAYS)


def _best(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)
