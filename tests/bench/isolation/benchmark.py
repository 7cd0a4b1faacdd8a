"""`make bench-isolation`: the same version scores the same rows in this process and in one of its own."""

import gc
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from lifecycle.resources_policy import ArmResources
from serving.isolation.scorer import Isolated, isolate
from stores.predictor import load_predictor
from tests.serving.conftest import write_version

ROWS = (1, 8, 64, 512)
ROUNDS, CALLS = 7, 500
NEEDS = ArmResources(cpus=0, gpus=0, device="cpu", memory_mb=600, placement="isolated", deadline_ms=2000)
MEGABYTE = 1_000_000


def bench_isolation(terminal: Console) -> Mapping[str, object]:
    """Return the medians of each place's p50 by rows, in milliseconds, and what the process holds; rounds alternate."""
    with tempfile.TemporaryDirectory() as scratch:
        files = write_version(Path(scratch), "1", seed=1)
        began = time.perf_counter()
        apart = isolate("1", files, NEEDS)
        start_seconds = time.perf_counter() - began
        places: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
            "shared": load_predictor(files).score,
            "isolated": apart.score,
        }
        table = Table("rows", *(f"{place}, p50 ms" for place in places))
        found: dict[str, dict[str, float]] = {}
        for rows in ROWS:
            matrix = np.random.default_rng(rows).normal(size=(rows, len(apart.vector))).astype(np.float32)
            times: dict[str, list[float]] = {place: [] for place in places}
            for _ in range(ROUNDS):
                for place, score in places.items():
                    times[place].append(_p50_ms(score, matrix))
            found[str(rows)] = {place: round(median(each), 4) for place, each in times.items()}
            table.add_row(str(rows), *(f"{each:.3f}" for each in found[str(rows)].values()))
        held = _held_mb(apart.predict)
        del apart, places
        # The process ends with what refers to it.
        gc.collect()
    terminal.print(table)
    terminal.print(f"its process: ready in {start_seconds:.1f} s, {held:.0f} MB with what it shares counted by share")
    return {"rows": found, "start_seconds": round(start_seconds, 2), "memory_mb": round(held, 1)}


def _p50_ms(score: Callable[[np.ndarray], np.ndarray], matrix: np.ndarray) -> float:
    times = np.empty(CALLS)
    for call in range(CALLS):
        began = time.perf_counter()
        score(matrix)
        times[call] = time.perf_counter() - began
    return float(np.percentile(times, 50)) * 1000


def _held_mb(predict: object) -> float:
    pid = predict.pid() if isinstance(predict, Isolated) else None
    if pid is None:
        return float("nan")
    held = psutil.Process(pid).memory_full_info() if psutil.LINUX else psutil.Process(pid).memory_info()
    return float(getattr(held, "pss", held.rss)) / MEGABYTE
