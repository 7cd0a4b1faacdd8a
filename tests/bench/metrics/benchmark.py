"""The cost of counting a request, of counting the log's rows, of keeping the figures, and of a page."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from serving.exchange import Response
from serving.metrics.exposition import exposition
from serving.metrics.figures import Figures
from serving.metrics.log_tail import LogTail
from serving.metrics.metrics import FAMILIES
from serving.metrics.requests import RequestMeter
from serving.metrics.snapshots import Snapshots
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import ship

REQUESTS = 50_000
ROWS_PER_BATCH = 50
BATCHES = 92
"""Together 4,600 rows: two seconds of a gateway at its limit."""
ROUNDS = 15
FEATURES = tuple(f"feature_{number}" for number in range(34))


def bench_metrics(terminal: Console) -> Mapping[str, object]:
    """Measure, print a table and return the figures; times are medians of this process's CPU time."""
    with tempfile.TemporaryDirectory() as scratch:
        figures = _measured(Path(scratch))
    table = Table("what", "cost", title="Metrics")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.2f}")
    terminal.print(table)
    return figures


def _measured(scratch: Path) -> dict[str, float]:
    root, folder = scratch / "predictions", scratch / "metrics"
    writer, tail = SegmentWriter(root, "bench"), LogTail(root, folder)
    tail.begin()
    rng = np.random.default_rng(0)
    batches = [_batch(rng) for _ in range(BATCHES)]
    n_rows = BATCHES * ROWS_PER_BATCH
    full = [_after_shipping(writer, root, batches, tail) for _ in range(ROUNDS)]
    small = [_after_shipping(writer, root, batches[:1], tail) for _ in range(ROUNDS)]
    snapshots, counted = Snapshots(folder, "bench"), tail.figures()
    return {
        "counting a request, µs": asyncio.run(_per_request()) * 1e6,
        "counting 1,000 rows of the log, ms": median(full) * 1e3 * 1000 / n_rows,
        f"a round that finds {ROWS_PER_BATCH} rows, ms": median(small) * 1e3,
        "a round that finds none, ms": _median_of(tail.advance) * 1e3,
        "keeping a replica's figures, ms": _median_of(lambda: snapshots.keep(counted, Figures())) * 1e3,
        "writing a page, ms": _median_of(lambda: exposition(FAMILIES, counted)) * 1e3,
    }


async def _per_request() -> float:
    """Return the seconds of CPU that counting adds to a request."""
    meter, response = RequestMeter(lambda _: True), Response(b"")

    async def answer() -> Response:
        return response

    added = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(REQUESTS):
            await answer()
        alone = time.process_time()
        for _ in range(REQUESTS):
            await meter.count("toy", answer())
        added.append((time.process_time() - alone) - (alone - began))
    return median(added) / REQUESTS


def _after_shipping(writer: SegmentWriter, root: Path, batches: list[pa.RecordBatch], tail: LogTail) -> float:
    for batch in batches:
        writer.append(batch)
    writer.seal()
    ship(root, writer.owned)
    began = time.process_time()
    tail.advance()
    return time.process_time() - began


def _median_of(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        call()
        taken.append(time.process_time() - began)
    return median(taken)


def _batch(rng: np.random.Generator) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([_row(rng) for _ in range(ROWS_PER_BATCH)], schema=SCHEMA)


def _row(rng: np.random.Generator) -> dict[str, object]:
    arm = str(rng.choice(["champion", "canary", "control", "shadow"], p=[0.4, 0.1, 0.1, 0.4]))
    return {
        "prediction_id": str(rng.integers(1 << 60)),
        "model": "toy",
        "version": "2" if arm in {"canary", "shadow"} else "1",
        "arm": arm,
        "tier": "model",
        "request": '{"carrier":"UA","flight":1545,"origin":"EWR","dest":"IAH","distance_miles":1400.0}',
        "features": rng.random(len(FEATURES)).tolist(),
        "defaulted": [name for name in FEATURES if rng.random() < 0.05],
        "score": float(rng.random()),
        "outcome": "answered",
        "shown": arm != "shadow",
        "decode_us": int(rng.integers(20, 200)),
        "queue_us": int(rng.integers(20, 2_000)),
        "features_us": int(rng.integers(500, 3_000)),
        "predict_us": int(rng.integers(100, 3_000)),
    }
