"""`make bench-spine`: this checkout's gateway beside that of the revision that had the request path and nothing more.

Both are up in one run, on champions of the same training, and are loaded in turn. The older code is taken from git, so
this needs a clone with its history. What has come since then, the rollout, the watch, tiers, admission and the
rest, is switched on as the shipped policy has it, and none of it is used by these requests.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from lifecycle.errors import EvidenceMissing
from tests.bench.serving.load import best_generator
from tests.bench.serving.requests import Bodies
from tests.bench.serving.rounds import ROUNDS, Contestant, Results, run_rounds
from tests.bench.serving.tables import FIGURES

SPINE = "adceac0"
"""The revision whose figures docs/benchmarks.md has of the first complete request path."""
ROOT = Path(__file__).parents[3]
NOW, THEN = "now", "spine"
ALLOWED_THROUGHPUT_RATIO = 0.85
START_SECONDS = 400.0
LOOK_SECONDS = 0.5


def bench_spine(terminal: Console) -> dict[str, object]:
    """Measure, print the table, and return the figures; raises EvidenceMissing where a side cannot be measured."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as scratch, _spine(Path(scratch)) as then:
        sides = {NOW: ROOT, THEN: then}
        with terminal.status("Training both champions and starting both gateways"):
            opened = {name: _Side(name, root, Path(scratch)) for name, root in sides.items()}
            try:
                contestants = [one for side in opened.values() for one in side.contestants()]
            except BaseException:
                _close(opened)
                raise
        try:
            with terminal.status("Measuring"):
                results = run_rounds(best_generator(), contestants, lambda _: None)
        finally:
            _close(opened)
    ways = sorted({name.partition(": ")[2] for name in results})
    figures = {way: _figures(results, way) for way in ways}
    terminal.print(_table(figures))
    return {"spine": SPINE, "rounds": ROUNDS, "ways": figures}


class _Side:
    """The gateway of one checkout, in a process that runs there."""

    def __init__(self, name: str, root: Path, scratch: Path) -> None:
        self._name = name
        self._told = scratch / f"{name}.json"
        self._log = scratch / f"{name}.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("side.py")), str(scratch / name), str(self._told)],
                cwd=root,
                # A state folder that holds nothing, so that both sides train their champion.
                env={**os.environ, "PYTHONPATH": str(root), "HOLDFAST_HOME": str(scratch / f"{name}-none")},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )

    def contestants(self) -> list[Contestant]:
        """Return the ways to ask it once it answers; raises EvidenceMissing when it does not come up."""
        until = time.monotonic() + START_SECONDS
        while not self._told.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                end = "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
                raise EvidenceMissing(f"the gateway of {self._name} did not come up:\n{end}")
            time.sleep(LOOK_SECONDS)
        said = json.loads(self._told.read_text(encoding="utf-8"))
        return [
            Contestant(f"{self._name}: {way}", address, Bodies(Path(single), Path(batch)))
            for way, (address, single, batch) in said.items()
        ]

    def close(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


def _close(sides: dict[str, _Side]) -> None:
    for side in sides.values():
        side.close()


@contextmanager
def _spine(scratch: Path) -> Iterator[Path]:
    """Yield a folder with the older revision's files; raises EvidenceMissing where git does not have it."""
    folder = scratch / "code"
    folder.mkdir()
    packed = subprocess.run(["git", "archive", SPINE], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        said = packed.stderr.decode(errors="replace").strip()
        raise EvidenceMissing(f"git has no revision {SPINE} here ({said}); run this in a clone with its whole history")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)
    yield folder


def _figures(results: Results, way: str) -> dict[str, dict[str, float]]:
    now, then = results[f"{NOW}: {way}"], results[f"{THEN}: {way}"]
    return {
        name: {
            NOW: round(median(read(one) for one in now), 3),
            THEN: round(median(read(one) for one in then), 3),
            "ratio": round(median(read(here) / read(there) for here, there in zip(now, then, strict=True)), 3),
        }
        for name, read in FIGURES.items()
    }


def _table(figures: dict[str, dict[str, dict[str, float]]]) -> Table:
    table = Table(
        title=f"This checkout beside {SPINE}; medians of {ROUNDS} rounds, ratios within the round",
        caption=f"Allowed: at least {ALLOWED_THROUGHPUT_RATIO:g} of the requests per second.",
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for head in ("asked by", "figure", NOW, THEN, "ratio"):
        table.add_column(head, justify="left" if head in ("asked by", "figure") else "right")
    for way, measured in figures.items():
        for name, row in measured.items():
            table.add_row(way, name, *(f"{value:,g}" for value in row.values()))
    return table
