"""`make bench-costs`: what a cascade answers by its small model on the shipped year, what that loses and takes."""

from collections.abc import Callable, Mapping
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from flows.training.evaluate import measure_rows
from lifecycle.cascade import sure_bands
from lifecycle.cascade_policy import CascadePolicy
from lifecycle.policy import Policy
from stores.policies import load_policy
from stores.settings import settings
from tests.bench.costs.year import Year, served_year
from tests.bench.quality.year import MODEL

ALLOWED = (0.005, 0.01, 0.02, 0.05)
CONFIDENCE = 0.95
TIMED_AT = 0.02
BATCHES = (1, 8, 32, 64)
TIMED_BATCHES = 300


def bench_costs(terminal: Console) -> Mapping[str, object]:
    """Train, judge, ask the rest of the year with and without a cascade, print both tables and return the figures."""
    policy = load_policy(settings().policies, MODEL)
    year = served_year(policy)
    tried = [_tried(year, policy, allowed) for allowed in ALLOWED]
    timed = [_timed(year, policy, rows) for rows in BATCHES]
    alone = measure_rows(year.asked.labels, year.version.score(year.asked.matrix), policy)
    terminal.print(f"{alone.rows:,} rows; alone: log loss {alone.log_loss:.4f}, mistakes cost {alone.cost_per_row:.4f}")
    terminal.print(_table("A cascade on the rest of the year", tried))
    terminal.print(_table("Microseconds a row, by the rows of a micro-batch", timed))
    return {"rows": alone.rows, "alone": alone.model_dump(), "tried": tried, "timed": timed}


def _tried(year: Year, policy: Policy, allowed: float) -> dict[str, float | None]:
    threshold = policy.decision.threshold
    judged, judged_small = year.version.score(year.judged.matrix), year.small.score(year.judged.matrix)
    wanted = CascadePolicy(decided_otherwise_at_most=allowed, confidence=CONFIDENCE)
    bands = sure_bands(judged, judged_small, threshold, wanted)
    scores, small = year.version.score(year.asked.matrix), year.small.score(year.asked.matrix)
    sure = bands.sure(small)
    measured = measure_rows(year.asked.labels, np.where(sure, small, scores), policy)
    otherwise = (small >= threshold) != (scores >= threshold)
    return {
        "allowed": allowed,
        "low": bands.low,
        "high": bands.high,
        "judged_share": float(bands.sure(judged_small).mean()),
        "share": float(sure.mean()),
        "decided_otherwise": float(otherwise[sure].mean()) if sure.any() else 0.0,
        "log_loss": measured.log_loss,
        "cost_per_row": measured.cost_per_row,
    }


def _timed(year: Year, policy: Policy, rows: int) -> dict[str, float | None]:
    judged, judged_small = year.version.score(year.judged.matrix), year.small.score(year.judged.matrix)
    wanted = CascadePolicy(decided_otherwise_at_most=TIMED_AT, confidence=CONFIDENCE)
    bands = sure_bands(judged, judged_small, policy.decision.threshold, wanted)

    def cascade(matrix: np.ndarray) -> np.ndarray:
        scores = year.small.score(matrix)
        left = np.flatnonzero(~bands.sure(scores))
        if len(left):
            scores[left] = year.version.score(matrix[left])
        return scores

    ways: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
        "version": year.version.score,
        "small": year.small.score,
        "cascade": cascade,
    }
    return {"rows": rows, **{name: _microseconds(way, year.asked.matrix, rows) for name, way in ways.items()}}


def _microseconds(score: Callable[[np.ndarray], np.ndarray], matrix: np.ndarray, rows: int) -> float:
    """Return the mean microseconds a row over many micro-batches in order, without those that were interrupted.

    The mean, because a cascade asks the version in some of them and in others not.
    """
    score(matrix[:rows])
    taken = []
    for number in range(TIMED_BATCHES):
        batch = np.ascontiguousarray(matrix[number * rows : (number + 1) * rows])
        began = perf_counter()
        score(batch)
        taken.append((perf_counter() - began) / rows * 1e6)
    most = np.quantile(taken, 0.98)
    return float(np.mean([one for one in taken if one <= most]))


def _table(title: str, rows: list[dict[str, float | None]]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*("none" if value is None else f"{value:.4g}" for value in row.values()))
    return table
