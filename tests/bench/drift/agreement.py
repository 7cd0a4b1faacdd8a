"""Our distances beside Evidently's on the same rows, in its bins and in ours."""

from collections.abc import Mapping

import numpy as np
from scipy.stats import ks_2samp

from lifecycle.drift.comparing import compare
from lifecycle.drift.jensen_shannon import jensen_shannon
from lifecycle.drift.psi import psi
from tests.bench.drift.evidently_report import report
from tests.bench.drift.made_up import NAMES, NUMBERS, MadeUp, as_baseline, as_window, draw, shifted, swapped
from tests.bench.drift.speed import as_frame
from tests.bench.drift.windows import BASELINE_DAYS, WINDOW_DAYS

COMPARED_NUMBERS = ("normal", "skewed", "hour", "uniform")
COMPARED_NAMES = ("place", "carrier")


def agreement(rows: int, seed: int) -> Mapping[str, Mapping[str, float]]:
    """Return both sides' PSI, Jensen-Shannon and Kolmogorov-Smirnov distances by column.

    "same bins" are ours computed in Evidently's: of equal width over both windows for a number of more than 20 values
    (NumPy's "sturges"), one for each value otherwise. Ours as a look uses them are the baseline's quantiles. Evidently
    reports only the p-value of Kolmogorov-Smirnov, which SciPy computes for it, so that distance is SciPy's.
    """
    rng = np.random.default_rng((seed, 8))
    reference, current = draw(rng, rows, BASELINE_DAYS), swapped(shifted(draw(rng, rows, WINDOW_DAYS)))
    baseline = as_baseline(reference)
    ours = {one.column: one for one in compare(baseline, as_window(baseline, current), days=WINDOW_DAYS)}
    then, now = as_frame(reference), as_frame(current)
    theirs = {method: report(now, then, NUMBERS, NAMES, method) for method in ("psi", "jensenshannon")}
    found = {}
    for column in (*COMPARED_NUMBERS, *COMPARED_NAMES):
        one = ours[column]
        counts = in_their_bins(column, current, reference)
        found[column] = {
            "psi": one.psi or 0.0,
            "psi, same bins": psi(*counts),
            "psi, Evidently": theirs["psi"][column],
            "js": one.js or 0.0,
            "js, same bins": jensen_shannon(*counts),
            "js, Evidently": theirs["jensenshannon"][column],
        }
        if column in NUMBERS:
            place = NUMBERS.index(column)
            exact = ks_2samp(current.matrix[:, place], reference.matrix[:, place], method="asymp").statistic
            found[column] |= {"ks": one.ks or 0.0, "ks, SciPy": float(exact)}
    return found


def in_their_bins(column: str, current: MadeUp, reference: MadeUp) -> tuple[np.ndarray, np.ndarray]:
    """Return both windows counted as Evidently does, (n_bins,) float64 each."""
    if column in NAMES:
        names = sorted({name for name in (*reference.texts[column], *current.texts[column]) if name is not None})
        place = {name: number for number, name in enumerate(names)}
        now, then = (
            np.bincount([place[name] for name in made.texts[column] if name is not None], minlength=len(names))
            for made in (current, reference)
        )
        return now.astype(np.float64), then.astype(np.float64)
    number = NUMBERS.index(column)
    ours = current.matrix[:, number].astype(np.float64)
    theirs = reference.matrix[:, number].astype(np.float64)
    edges = np.histogram_bin_edges(np.concatenate([theirs, ours]), bins="sturges")
    counts = np.histogram(ours, edges)[0], np.histogram(theirs, edges)[0]
    return counts[0].astype(np.float64), counts[1].astype(np.float64)
