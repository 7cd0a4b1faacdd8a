"""`make bench-judge`: simulated rollouts before Holdfast's judge and two others."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tests.bench.judge.options import JudgeOptions
from tests.bench.judge.rollouts import JUDGES, play
from tests.bench.judge.scenarios import Scenario, scenarios
from tests.bench.judge.shadow_stream import draw_shadow
from tests.bench.judge.summary import as_table, summarise
from tests.bench.judge.verdicts import Ending

AT_ONCE = 10


def bench_judge(terminal: Console, options: JudgeOptions) -> dict[str, object]:
    """Simulate, print the table, and return the figures; one seed gives the same figures on any number of cores."""
    kinds = scenarios(options.error_rate, options.slower_percent, options.slice_noise)
    harm = log_loss_in_slice(kinds[-1], options.seed)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    results: dict[str, Mapping[str, Mapping[str, float]]] = {}
    with (
        Progress(*columns, console=terminal) as shown,
        ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as cores,
    ):
        bar = shown.add_task("Rollouts", total=options.rollouts * len(kinds))
        for number, kind in enumerate(kinds):
            endings: dict[str, list[Ending]] = {judge: [] for judge in JUDGES}
            shown.update(bar, description=kind.name)
            tasks = [(kind, options.seed, number, part) for part in _parts(options.rollouts)]
            for played in cores.map(_play_some, tasks):
                for one in played:
                    for judge, ending in one.items():
                        endings[judge].append(ending)
                shown.update(bar, advance=len(played))
            results[kind.name] = {judge: summarise(ended) for judge, ended in endings.items()}
    terminal.print(as_table(results, options.rollouts))
    terminal.print(f"The log loss of the candidate that is bad in one slice is higher there by {harm:.3f}")
    return {"options": asdict(options), "log_loss_higher_in_slice_by": round(harm, 4), "scenarios": results}


def log_loss_in_slice(kind: Scenario, seed: int) -> float:
    """Return by how much a candidate's log loss is higher in its bad slice, over some 60,000 rows."""
    drawn = [draw_shadow(np.random.default_rng((seed, 99, part)), kind).points[:, 0] for part in range(10)]
    points = np.concatenate(drawn)
    return float((points[:, 0] - points[:, 1]).mean())


def _parts(rollouts: int) -> Iterator[range]:
    for start in range(0, rollouts, AT_ONCE):
        yield range(start, min(start + AT_ONCE, rollouts))


def _play_some(task: tuple[Scenario, int, int, range]) -> list[Mapping[str, Ending]]:
    kind, seed, number, part = task
    return [play(kind, (seed, number, rollout)) for rollout in part]
