"""Where a request's time goes in Holdfast: what clients waited, what the prediction log says, and the rest."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from statistics import median

from lifecycle.errors import EvidenceMissing
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings
from tests.bench.serving.in_process import Calls, call_application
from tests.bench.serving.load import Generator, Target
from tests.bench.serving.rounds import MANY_CONNECTIONS, SECONDS, Contestant, Round

SHIPPED_WITHIN_SECONDS = 30.0
CALLS = 500

STAGES = """
SELECT median(decode_us) AS decode, median(queue_us) AS queue, median(features_us) AS features,
    median(predict_us) AS predict, count(*) / count(DISTINCT served_at) AS rows_per_batch, count(*) AS rows
FROM predictions WHERE served_at >= ? AND served_at < ?
"""
"""Rows of one micro-batch share the moment they were served."""


@dataclass(frozen=True)
class Shares:
    """Microseconds of one request by stage; those of a micro-batch are divided by its rows."""

    transport: float
    decode: float
    queue: float
    features: float
    predict: float
    log_and_answer: float
    rest: float
    total: float


@dataclass(frozen=True)
class Profile:
    """What a client waits for on one connection, and what a request costs when many come at once."""

    alone: Shares
    loaded: Shares
    rows_per_batch: float


def empty_request_us(generator: Generator, address: str) -> tuple[float, float]:
    """Return what a request that does nothing takes: the wait on one connection, its share of the time on many."""
    alone, many = (generator.measure(Target(address, None), count, SECONDS) for count in (1, MANY_CONNECTIONS))
    return alone.p50_ms * 1e3, 1e6 / many.per_second


def profile(
    chosen: Settings, contestant: Contestant, rounds: Sequence[Round], empty_us: tuple[float, float]
) -> Profile:
    """Return the medians over rounds, given what an empty request takes alone and loaded.

    Calls the application in this process, so the servers should be stopped by now. Raises EvidenceMissing when
    the log does not hold the rounds' predictions.
    """
    log = PredictionLog(chosen.prediction_log)
    alone = [_stages(log, one.alone_from, one.alone_to) for one in rounds]
    loaded = [_stages(log, one.alone_to, one.many_to) for one in rounds]
    rows_per_batch = median(stage["rows_per_batch"] for stage in loaded)
    path = contestant.address.removeprefix(chosen.http_address)
    bodies = contestant.bodies.single.read_bytes().splitlines()
    calls = call_application(chosen, path, bodies, {"alone": 1, "loaded": max(1, round(rows_per_batch))}, CALLS)
    return Profile(
        alone=_medians(
            [
                _shares(stage, one.alone.p50_ms * 1e3, empty_us[0], _own_cost(log, calls["alone"]), queued=True)
                for stage, one in zip(alone, rounds, strict=True)
            ]
        ),
        loaded=_medians(
            [
                _shares(stage, 1e6 / one.many.per_second, empty_us[1], _own_cost(log, calls["loaded"]), queued=False)
                for stage, one in zip(loaded, rounds, strict=True)
            ]
        ),
        rows_per_batch=rows_per_batch,
    )


def await_shipped(log: PredictionLog, until: float) -> None:
    """Return once predictions served at or after an epoch second are in the table, and so all before it."""
    deadline = time.monotonic() + SHIPPED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        (row,) = log.query("SELECT count(*) AS later FROM predictions WHERE served_at >= ?", (_moment(until),))
        if row["later"]:
            return
        time.sleep(0.5)
    raise EvidenceMissing(f"the predictions of the benchmark were not shipped within {SHIPPED_WITHIN_SECONDS:.0f} s")


def _own_cost(log: PredictionLog, calls: Calls) -> float:
    """Return what the application spends on a request outside the logged stages: routing, log append, answer."""
    stage = _stages(log, calls.start, calls.end)
    in_batch = (stage["features"] + stage["predict"]) / stage["rows_per_batch"]
    return calls.microseconds - stage["decode"] - in_batch


def _shares(stage: dict[str, float], total: float, transport: float, own_cost: float, *, queued: bool) -> Shares:
    # Many requests wait at once, so waiting is no cost of any one of them.
    queue = stage["queue"] if queued else 0.0
    features, predict = (stage[name] / stage["rows_per_batch"] for name in ("features", "predict"))
    known = transport + stage["decode"] + queue + features + predict + own_cost
    return Shares(transport, stage["decode"], queue, features, predict, own_cost, total - known, total)


def _stages(log: PredictionLog, start: float, end: float) -> dict[str, float]:
    (row,) = log.query(STAGES, (_moment(start), _moment(end)))
    if not row["rows"]:
        raise EvidenceMissing("the prediction log holds nothing of a measured round")
    return row


def _medians(shares: Sequence[Shares]) -> Shares:
    return Shares(**{one.name: median(getattr(share, one.name) for share in shares) for one in fields(Shares)})


def _moment(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)
