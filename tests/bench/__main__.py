"""Run benchmarks, print their tables and write their figures to HOLDFAST_HOME/bench/<name>.json."""

import argparse
import json
import logging
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog
from rich.console import Console

from lifecycle.errors import HoldfastError
from stores.settings import settings
from tests.bench.costs.benchmark import bench_costs
from tests.bench.drift.benchmark import bench_drift
from tests.bench.drift.options import add_drift_options, chosen_drift_options
from tests.bench.idempotency.benchmark import bench_idempotency
from tests.bench.isolation.benchmark import bench_isolation
from tests.bench.judge.benchmark import bench_judge
from tests.bench.judge.options import add_options, chosen_options
from tests.bench.metrics.benchmark import bench_metrics
from tests.bench.outputs.benchmark import bench_outputs
from tests.bench.overload.benchmark import bench_overload
from tests.bench.overload.options import add_overload_options, chosen_overload_options
from tests.bench.quality.benchmark import bench_quality
from tests.bench.serving.benchmark import bench_serving
from tests.bench.shadow.benchmark import bench_shadow
from tests.bench.spine.benchmark import bench_spine
from tests.bench.year.benchmark import add_year_options, bench_year

BENCHMARKS: Mapping[str, Callable[[Console, argparse.Namespace], Mapping[str, object]]] = {
    "serving": lambda terminal, _: bench_serving(terminal),
    "spine": lambda terminal, _: bench_spine(terminal),
    "shadow": lambda terminal, _: bench_shadow(terminal),
    "isolation": lambda terminal, _: bench_isolation(terminal),
    "overload": lambda terminal, given: bench_overload(terminal, chosen_overload_options(given)),
    "metrics": lambda terminal, _: bench_metrics(terminal),
    "idempotency": lambda terminal, _: bench_idempotency(terminal),
    "judge": lambda terminal, given: bench_judge(terminal, chosen_options(given)),
    "quality": bench_quality,
    "year": bench_year,
    "outputs": lambda terminal, _: bench_outputs(terminal),
    "costs": lambda terminal, _: bench_costs(terminal),
    "drift": lambda terminal, given: bench_drift(terminal, chosen_drift_options(given)),
}

BUSY_LOAD = 0.5
"""Programs that waited for a core in the minute before; with more, figures compare servers but say little alone."""


def run(name: str, terminal: Console, given: argparse.Namespace) -> None:
    """Run one benchmark and keep its figures."""
    busy = os.getloadavg()[0]
    if busy > BUSY_LOAD:
        terminal.print(
            f"[yellow]Other programs keep this machine busy (load {busy:.1f}); the figures will say so.[/yellow]"
        )
    setting = {
        "at": datetime.now(UTC).isoformat(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_average_before": round(busy, 2),
    }
    figures = BENCHMARKS[name](terminal, given)
    path = settings().home / "bench" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"benchmark": name, **setting, **figures}, indent=2) + "\n", encoding="utf-8")
    terminal.print(f"Figures in {path}")


def main() -> None:
    """Run the benchmarks that were named, or all; an error of ours is one readable line and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; all by default")
    add_options(parser)
    add_drift_options(parser)
    add_year_options(parser)
    add_overload_options(parser)
    given = parser.parse_args()
    names = given.names or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there is {', '.join(BENCHMARKS)}")
    # Feast's SQLite store mistakes times in any other zone, and its features are read in this process too.
    os.environ["TZ"] = "UTC"
    time.tzset()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        for name in names:
            run(name, Console(), given)
    except HoldfastError as error:
        Console(stderr=True).print(f"{type(error).__name__}: {error}", highlight=False, markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
