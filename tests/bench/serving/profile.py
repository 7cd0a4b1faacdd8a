"""Where a request's time goes in Holdfast, read from the prediction log it wrote while it was measured."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from lifecycle.errors import EvidenceMissing
from stores.prediction_log.table import PredictionLog
from tests.bench.serving.load import Generator, Target
from tests.bench.serving.rounds import SECONDS, Round

SHIPPED_WITHIN_SECONDS = 30.0

STAGES = """
SELECT median(decode_us) AS decode, median(queue_us) AS queue, median(features_us) AS features,
    median(predict_us) AS predict, count(*) AS rows, count(DISTINCT served_at) AS batches
FROM predictions WHERE served_at >= ? AND served_at < ?
"""
"""Rows of one micro-batch share the moment they were served."""


@dataclass(frozen=True)
class Shares:
    """Microseconds of one request: `transport` is an empty request's way there and back, `rest` what is left."""

    decode: float
    queue: float
    features: float
    predict: float
    transport: float
    rest: float
    total: float


@dataclass(frozen=True)
class Profile:
    """What a client waits for on one connection, and what a request costs the server when many come at once."""

    alone: Shares
    loaded: Shares
    rows_per_batch: float


def profile(log: PredictionLog, rounds: Sequence[Round], empty_alone_us: float, empty_loaded_us: float) -> Profile:
    """Return the medians over rounds; empty requests took the given times on one connection and on many.

    Raises EvidenceMissing when the log does not get to hold the rounds' predictions.
    """
    await_shipped(log, rounds[-1].many_to)
    alone, loaded, sizes = [], [], []
    for one in rounds:
        stage = _stages(log, one.alone_from, one.alone_to)
        alone.append(_shares(stage, 1.0, one.alone.p50_ms * 1e3, empty_alone_us))
        stage = _stages(log, one.alone_to, one.many_to)
        sizes.append(stage["rows"] / stage["batches"])
        loaded.append(_shares(stage | {"queue": 0.0}, sizes[-1], 1e6 / one.many.per_second, empty_loaded_us))
    return Profile(_medians(alone), _medians(loaded), median(sizes))


def empty_request_us(generator: Generator, address: str, connections: int) -> float:
    """Return what a request that does nothing takes: its wait on one connection, else its share of the time."""
    measured = generator.measure(Target(address, None), connections, SECONDS)
    return measured.p50_ms * 1e3 if connections == 1 else 1e6 / measured.per_second


def await_shipped(log: PredictionLog, until: float) -> None:
    """Return once predictions served at or after an epoch second are in the table, and so all before it."""
    deadline = time.monotonic() + SHIPPED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        (row,) = log.query("SELECT count(*) AS later FROM predictions WHERE served_at >= ?", (_moment(until),))
        if row["later"]:
            return
        time.sleep(0.5)
    raise EvidenceMissing(f"the predictions of the benchmark were not shipped within {SHIPPED_WITHIN_SECONDS:.0f} s")


def _stages(log: PredictionLog, start: float, end: float) -> dict[str, float]:
    (row,) = log.query(STAGES, (_moment(start), _moment(end)))
    if not row["rows"]:
        raise EvidenceMissing("the prediction log holds nothing of a measured round")
    return row


def _shares(stage: dict[str, float], rows_per_batch: float, total: float, transport: float) -> Shares:
    # Decoding is per request; reading features and predicting are done once for the whole micro-batch.
    decode, queue = stage["decode"], stage["queue"]
    features, predict = stage["features"] / rows_per_batch, stage["predict"] / rows_per_batch
    rest = total - transport - decode - queue - features - predict
    return Shares(decode, queue, features, predict, transport, rest, total)


def _medians(shares: Sequence[Shares]) -> Shares:
    names = Shares.__dataclass_fields__
    return Shares(**{name: median(getattr(one, name) for one in shares) for name in names})


def _moment(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)
