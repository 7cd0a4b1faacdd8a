"""Openings on a year without faults, answers until a fault is found, and what watching costs a micro-batch."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.table import Table

from lifecycle.output_window import OutputWindow
from lifecycle.outputs import OutputLimits, output_limits, profile_outputs
from lifecycle.watching_policy import OutputsPolicy
from stores.policies import load_policy
from stores.settings import settings
from tests.bench.outputs.faults import BATCH_ROWS, FAULTS, LONGEST, feed, measure
from tests.bench.outputs.year import MODEL, Year, scored_year

SEED = 1
STARTS = 400
BASELINE = range(3, 4)
AFTER = range(4, 13)
ALL = range(3, 13)
SIZES = (1, 8, 19, 64)
COST_BATCHES = 3000


def bench_outputs(terminal: Console) -> Mapping[str, object]:
    """Print the tables and return the figures."""
    policy = load_policy(settings().policies, MODEL)
    outputs = policy.watching.outputs
    with TemporaryDirectory(prefix="holdfast-bench-") as scratch:
        terminal.print("Scoring every request of the year")
        year = scored_year(policy, Path(scratch))
    limits = limits_of(year.of(BASELINE), outputs)
    terminal.print(f"Limits of a window of {limits.window_answers}, in log-odds: {asdict(limits)}", highlight=False)
    dates = openings(limits, year.of(AFTER))
    terminal.print(f"Openings from April to December by a baseline of March: {len(dates)} {list(dates)}")
    every = {month: openings(limits_of(year.of(range(month, month + 1)), outputs), year.of(ALL)) for month in ALL}
    found = _faults(limits, year.of(AFTER))
    cost = {rows: microseconds(limits, year, rows) for rows in SIZES}
    _print(terminal, every, found, cost)
    return {
        "limits": asdict(limits),
        "openings": list(dates),
        "openings_by_baseline": {str(month): list(days) for month, days in every.items()},
        "faults": found,
        "microseconds": {str(rows): took for rows, took in cost.items()},
    }


def limits_of(year: Year, policy: OutputsPolicy) -> OutputLimits:
    """Return the limits by some months as a baseline."""
    profile = profile_outputs(year.scores, year.moments)
    limits = None if profile is None else output_limits(profile, policy)
    if limits is None:
        raise ValueError("the months hold too little for a baseline")
    return limits


def openings(limits: OutputLimits, year: Year) -> Sequence[str]:
    """Return the days on which a healthy version would have been stopped, one after each new window, in order."""
    window, days = OutputWindow(limits), []
    for first in range(0, len(year.scores), BATCH_ROWS):
        if feed(window, year.scores[first : first + BATCH_ROWS], first):
            days.append(datetime.fromtimestamp(year.moments[first], UTC).strftime("%m-%d"))
            window = OutputWindow(limits)
    return tuple(days)


def microseconds(limits: OutputLimits, year: Year, rows: int) -> float:
    """Return what a batch of so many rows costs the monitor, in microseconds of processor time, by the median."""
    window, took = OutputWindow(limits), []
    ids = [f"2013-04-01T14:30Z/UA/{number}/EWR/IAH" for number in range(rows * COST_BATCHES)]
    batches = [
        (ids[at : at + rows], np.ascontiguousarray(year.scores[at : at + rows])) for at in range(0, len(ids), rows)
    ]
    for at in range(0, len(batches), COST_BATCHES // 30):
        some = batches[at : at + COST_BATCHES // 30]
        began = time.process_time()
        for names, scores in some:
            window.add(names, scores)
        took.append((time.process_time() - began) / len(some) * 1e6)
    return float(np.median(took))


def _faults(limits: OutputLimits, year: Year) -> Mapping[str, Mapping[str, float]]:
    rng = np.random.default_rng(SEED)
    moments = rng.integers(2 * limits.window_answers, len(year.scores) - LONGEST, STARTS).astype(np.float64)
    return {name: asdict(measure(limits, year.scores, fault, moments, rng)) for name, fault in FAULTS.items()}


def _print(
    terminal: Console,
    every: Mapping[int, Sequence[str]],
    found: Mapping[str, Mapping[str, float]],
    cost: Mapping[int, float],
) -> None:
    months = Table("baseline", "openings, March to December", "days", title="No fault", title_justify="left")
    for month, days in every.items():
        distinct = sorted(set(days))
        months.add_row(f"{month:02d}", str(len(days)), f"{len(distinct)}: {' '.join(distinct)}" if distinct else "0")
    terminal.print(months)
    faults = Table("fault", "within one window", f"within {LONGEST}", "answers, median", title="Faults, baseline March")
    for name, figures in found.items():
        faults.add_row(
            name,
            f"{figures['in_one_window']:.1%}",
            f"{figures['in_the_longest']:.1%}",
            f"{figures['median_answers']:.0f}",
        )
    terminal.print(faults)
    terminal.print(", ".join(f"{rows} rows: {took:.1f} µs" for rows, took in cost.items()), highlight=False)
