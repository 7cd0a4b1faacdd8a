"""Cheap answers beside versions, small models and stores that fail, hang or are late."""

import threading
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from feature_repo.definition import Columns
from lifecycle.errors import Unavailable
from tests.serving.cheap.conftest import (
    CACHE,
    CASCADE,
    PRICES,
    SURE,
    UNSURE,
    fail,
    stand,
    tiers,
)
from tests.serving.conftest import MODEL, Bench, Found


def test_rows_that_a_failing_version_had_go_to_the_next_tier(make_bench: Callable[..., Bench]) -> None:
    """What something cheaper had of the same request stays its own, and the failed attempt is in the log beside."""
    bench = stand(make_bench(cascade=CASCADE, prices=PRICES))
    fail(bench)
    assert tiers(bench, SURE, UNSURE) == ["small", "previous"]
    logged = sorted((row["row"], row["tier"], row["version"], row["outcome"], row["cost"]) for row in bench.log.rows())
    assert logged == [
        (0, "small", "2", "answered", 0.1),
        (1, "model", "2", "failed", 0.0),
        (1, "previous", "1", "answered", 1.0),
    ]
    assert tiers(bench, SURE) == ["small"]


def test_request_that_comes_to_nothing_logs_nothing_cheap(make_bench: Callable[..., Bench]) -> None:
    """The rows that something cheaper had are not given without the rest."""
    bench = stand(make_bench(cascade=CASCADE))
    append = bench.log.append

    def without_champion(batch: pa.RecordBatch) -> None:
        if "model" in batch["tier"].to_pylist():
            raise Unavailable("no space left on device")
        append(batch)

    object.__setattr__(bench.log, "append", without_champion)
    assert bench.predict(SURE, UNSURE).status_code == 503
    assert bench.log.rows() == []


def test_small_model_that_fails_leaves_all_to_the_version(make_bench: Callable[..., Bench]) -> None:
    """Nobody is told of an error that somebody else can answer."""
    bench = stand(make_bench(cascade=CASCADE))
    _, lane = bench.models.lane(MODEL, None)

    def fails(_: np.ndarray) -> np.ndarray:
        raise ValueError("no")

    assert lane.arm.small is not None
    object.__setattr__(lane.arm.small, "predict", fails)
    assert tiers(bench, SURE, UNSURE) == ["model", "model"]


def test_late_features_are_not_waited_for(make_bench: Callable[..., Bench]) -> None:
    """Whoever needs none answers within the champion's time for them."""
    bench = stand(make_bench(cascade=CASCADE, champion_ms=50))
    gate = threading.Event()
    read = bench.shelf.read

    def slow(request: Columns) -> Found:
        gate.wait(10)
        return read(request)

    object.__setattr__(bench.shelf, "read", slow)
    try:
        assert tiers(bench, SURE) == ["static"]
    finally:
        gate.set()


def test_hung_version_holds_up_nothing_cheap(make_bench: Callable[..., Bench]) -> None:
    """Rows of other requests of the same micro-batch are answered before it comes back, or does not."""
    bench = stand(make_bench(cascade=CASCADE, champion_ms=200))
    _, lane = bench.models.lane(MODEL, None)
    gate = threading.Event()

    def hangs(matrix: np.ndarray) -> np.ndarray:
        gate.wait(10)
        return np.zeros(len(matrix))

    object.__setattr__(lane.arm.predictor, "predict", hangs)
    path = f"/v2/models/{MODEL}/predict"
    try:
        bench.ask_all([("POST", path, {"json": {"rows": [row]}}) for row in (SURE, UNSURE)])
    finally:
        gate.set()
    first, *others = bench.log.rows()
    assert first["tier"] == "small"
    assert {row["tier"] for row in others} == {"model", "previous"}


def test_kept_answers_need_no_features(make_bench: Callable[..., Bench]) -> None:
    """What was not kept has no more than the fixed answer while the features are away."""
    bench = stand(make_bench(cache=CACHE))
    tiers(bench, UNSURE)
    bench.shelf.away = True
    assert tiers(bench, UNSURE) == ["cache"]
    path = f"/v2/models/{MODEL}/predict"
    answers = bench.ask_all([("POST", path, {"json": {"rows": rows}}) for rows in ([UNSURE], [SURE])])
    said = [[one["tier"] for one in answer.json()["predictions"]] for answer in answers]
    assert said == [["cache"], ["static"]]
