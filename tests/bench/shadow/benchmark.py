"""`make bench-shadow`: the champion's waits without a shadow, and beside shadows that behave and that do not.

The gateway's whole application runs in this process, on versions that really stand up and a real log on disk, with
features from memory; the shadows are real processes. HTTP and Ray are left out: they would add the same to every case.
"""

import asyncio
import json
import logging
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np
import structlog
from rich.console import Console
from rich.table import Table

from feature_repo.definition import load_definition
from lifecycle.errors import EvidenceMissing
from lifecycle.plan import ShadowArm, TrafficPlan
from serving.models import Models
from serving.prediction_ids import PredictionIds
from serving.routes import Application
from serving.shadow.shadows import COMMAND, Shadows
from serving.standing import StandingUp
from stores.policies import load_policy
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipping import Shipper
from stores.versions import Versions
from tests.bench.shadow.pace import Paced, pace
from tests.serving.conftest import MODEL, POLICIES, Shelf, flight, write_version
from tests.serving.shadow.conftest import MISBEHAVING

ALONE, AGAIN = "none", "none, again"
CASES: Mapping[str, Sequence[str] | None] = {
    ALONE: None,
    # What differs between these two is chance, and says how finely the others can be read.
    AGAIN: None,
    "a shadow": COMMAND,
    "50x slower": (*MISBEHAVING, "slow"),
    "leaking memory": (*MISBEHAVING, "leak"),
    "crashing": (*MISBEHAVING, "crash"),
    "hanging": (*MISBEHAVING, "hang"),
}
ROUNDS, SECONDS, PER_SECOND = 7, 6.0, 200.0
WARM_UP_SECONDS = 1.0
START_SECONDS = 90.0
ALLOWED_P99_RATIO = 1.25
SHIP_SECONDS = 2.0
HEADS: Mapping[str, str] = {
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "p50_ratio": "p50 ratio",
    "p99_ratio": "p99 ratio",
    "failed": "failed",
    "answered_rows": "rows scored",
    "failed_rows": "lost",
    "dropped_rows": "dropped",
}
"""Figures and what the table calls them; the last three are the shadow's own."""
Report = Mapping[str, float | int | str]


@dataclass
class Measured:
    """One case's rounds: p50 and p99 in milliseconds, failed requests, and what the shadow reported at each end."""

    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    failed: int = 0
    reports: list[Report] = field(default_factory=list)

    def add(self, paced: Paced, report: Report | None) -> None:
        """Keep a round."""
        p50, p99 = np.percentile(paced.milliseconds, [50, 99]).tolist()
        self.p50_ms.append(p50)
        self.p99_ms.append(p99)
        self.failed += paced.failed
        if report is not None:
            self.reports.append(report)

    def reported(self, key: str) -> float:
        """Return a figure of the shadow, added up over rounds."""
        return sum(float(report[key]) for report in self.reports)


def bench_shadow(terminal: Console) -> dict[str, object]:
    """Measure, print the table, and return the figures; raises EvidenceMissing when any request failed."""
    results = {name: Measured() for name in CASES}
    # What shadows say as they die is theirs to say and would bury the table.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as scratch, terminal.status("Measuring") as status:
        for version in ("1", "2"):
            write_version(Path(scratch) / "versions", version, seed=int(version))
        for number in range(ROUNDS):
            for name, command in CASES.items():
                status.update(f"Round {number + 1} of {ROUNDS}: {name}")
                results[name].add(*_one_round(Path(scratch), command))
    figures = {name: _figures(measured, results[ALONE]) for name, measured in results.items()}
    terminal.print(_table(figures))
    failed = sum(measured.failed for measured in results.values())
    if failed:
        raise EvidenceMissing(f"{failed} requests were not answered with 200; a shadow must cost none")
    return {"rounds": ROUNDS, "seconds": SECONDS, "requests_per_second": PER_SECOND, "cases": figures}


def _one_round(scratch: Path, command: Sequence[str] | None) -> tuple[Paced, Report | None]:
    versions = Versions(scratch / "versions", None)
    policy, definition = load_policy(POLICIES, MODEL), load_definition(MODEL)
    with _replica_log(scratch / "predictions") as writer:
        models, shadows = Models(), Shadows(scratch / "predictions", "bench", writer, command or COMMAND)
        stand_up = StandingUp(
            lambda _: policy,
            lambda *_: Shelf(definition),
            versions.open,
            writer,
            PredictionIds(time.time),
            "bench",
        )
        now = datetime.now(UTC)
        plan = TrafficPlan(MODEL, 1, "1", None, shadow=None if command is None else ShadowArm("2", 1, now))
        served = stand_up(plan)
        models.put(served)
        application = Application(models)
        _pace(application, WARM_UP_SECONDS)
        try:
            if command is not None:
                served.mirror.mirror = shadows.follow(plan, versions.open(MODEL, "2"), policy, definition)
                _until_it_works(application, shadows)
            return _pace(application, SECONDS), shadows.report(MODEL)
        finally:
            shadows.stop()


def _until_it_works(application: Application, shadows: Shadows) -> None:
    """Send requests until the shadow has answered or ended; raises EvidenceMissing when it never does."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        _pace(application, WARM_UP_SECONDS)
        report = shadows.report(MODEL)
        if report is not None and any(report[key] for key in ("answered_rows", "failed_rows", "crashes")):
            return
    raise EvidenceMissing(
        f"the shadow got no core within {START_SECONDS:g} s, so its cost cannot be measured; end what keeps this "
        "machine busy"
    )


def _pace(application: Application, seconds: float) -> Paced:
    body = json.dumps({"rows": [flight()]}).encode()
    return asyncio.run(pace(application, f"/v2/models/{MODEL}/predict", body, PER_SECOND, seconds))


@contextmanager
def _replica_log(root: Path) -> Iterator[SegmentWriter]:
    writer = SegmentWriter(root, "bench")
    shipper = Shipper(root, writer, SHIP_SECONDS)
    shipper.start()
    try:
        yield writer
    finally:
        shipper.stop()


def _figures(measured: Measured, alone: Measured) -> dict[str, float]:
    p99 = median(here / there for here, there in zip(measured.p99_ms, alone.p99_ms, strict=True))
    p50 = median(here / there for here, there in zip(measured.p50_ms, alone.p50_ms, strict=True))
    keys = ("mirrored_rows", "answered_rows", "failed_rows", "dropped_rows", "crashes")
    return {
        "p50_ms": round(median(measured.p50_ms), 3),
        "p99_ms": round(median(measured.p99_ms), 3),
        "p50_ratio": round(p50, 3),
        "p99_ratio": round(p99, 3),
        "failed": measured.failed,
        **{key: measured.reported(key) for key in keys},
    }


def _table(figures: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table(
        title=f"The champion at {PER_SECOND:g} requests/s; medians of {ROUNDS} rounds, ratios within the round",
        caption=f"Allowed: p99 at most {ALLOWED_P99_RATIO:g} times as long as without a shadow, and 0 failed requests.",
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("beside", no_wrap=True)
    for head in HEADS.values():
        table.add_column(head, justify="right")
    for name, row in figures.items():
        table.add_row(name, *(f"{row[key]:g}" for key in HEADS))
    return table
