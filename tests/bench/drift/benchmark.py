"""`make bench-drift`: false alarms, power, real weeks, agreement with Evidently, and speed."""

import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context

from rich.console import Console
from rich.progress import track

from tests.bench.drift.agreement import agreement
from tests.bench.drift.options import DriftOptions
from tests.bench.drift.speed import timed
from tests.bench.drift.summary import table_of_agreement, table_of_looks
from tests.bench.drift.weeks import days_until_named, weeks_beside_the_others
from tests.bench.drift.windows import A_BASELINE, COLUMNS, KINDS, Raised, raised_over, share_of_looks

SIZES = (100, 1_000, 10_000)
AGREEMENT_ROWS = 20_000


def bench_drift(terminal: Console, options: DriftOptions) -> dict[str, object]:
    """Measure, print the tables, and return the figures; one seed gives the same shares on any number of cores."""
    looks = _looks(terminal, options)
    terminal.print(table_of_looks(looks))
    weeks = weeks_beside_the_others()
    terminal.print("Weeks of January to March beside the others:", weeks)
    named = days_until_named()
    terminal.print("Days until a changed unit is named:", named)
    agreed = agreement(AGREEMENT_ROWS, options.seed)
    terminal.print(table_of_agreement(agreed))
    seconds = timed(options.timed_rows, options.seed)
    terminal.print("A look at two windows:", seconds)
    return {
        "options": asdict(options),
        "looks": looks,
        "weeks": weeks,
        "days_until_named": named,
        "agreement": agreed,
        "speed": seconds,
    }


def _looks(terminal: Console, options: DriftOptions) -> Mapping[str, Mapping[int, Mapping[str, float]]]:
    found: dict[str, dict[int, Mapping[str, float]]] = {kind: {} for kind in KINDS}
    asked = [(kind, rows) for kind in KINDS for rows in SIZES]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as cores:
        for kind, rows in track(asked, "Windows", console=terminal):
            windows = options.changed_windows if kind in COLUMNS else options.windows
            tasks = [(kind, rows, options.seed, first) for first in range(0, windows, A_BASELINE)]
            raised = [one for some in cores.map(_some, tasks) for one in some]
            found[kind][rows] = {**share_of_looks(kind, raised), "windows": float(len(raised))}
    return {kind: dict(sizes) for kind, sizes in found.items()}


def _some(task: tuple[str, int, int, int]) -> list[Raised]:
    kind, rows, seed, first = task
    number = KINDS.index(kind)
    return raised_over(kind, rows, iter([(seed, number, rows, first + one) for one in range(A_BASELINE)]))
