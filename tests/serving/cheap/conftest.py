"""Versions that know something of distance, with small models that know nearly as much."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from feature_repo.definition import load_definition
from lifecycle.cache_policy import CachePolicy
from lifecycle.cascade import Bands
from lifecycle.cascade_policy import CascadePolicy
from lifecycle.plan import CanaryArm, TrafficPlan
from lifecycle.prices_policy import PricesPolicy, TierPrices
from serving.cheap.cheap import bands_of
from serving.models import ServedModel
from tests.serving.conftest import MODEL, Bench, Row, flight, write_version

CASCADE = CascadePolicy(decided_otherwise_at_most=0.05, confidence=0.9)
PRICES = PricesPolicy(
    per_1000_answers=TierPrices(model=1000, previous=1000, small=100, rule=10, static=5, cache=1), per_cpu_second=0
)
CACHE = CachePolicy(keep_seconds=60, keep_answers=100, tolerances=())
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MIDDLE, SPREAD = 1500, 150
"""Miles at which flights are as often late as not, and how soon more or less are."""


def miles(matrix: np.ndarray) -> np.ndarray:
    """Return the chance of being late: near flights are on time and far ones are late."""
    column = load_definition(MODEL).vector.index("route_miles")
    chance: np.ndarray = 1 / (1 + np.exp(-(matrix[:, column] - MIDDLE) / SPREAD))
    return chance


@pytest.fixture(scope="session")
def versions_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with versions 1 and 2 of the flight model, with small models; tests must not change it."""
    root = tmp_path_factory.mktemp("versions")
    for version in ("1", "2"):
        write_version(root, version, seed=int(version), small=True, chance=miles)
    return root


def stand(bench: Bench, plan: TrafficPlan | None = None) -> Bench:
    """Have version 2 serve."""
    bench.models.put(bench.stand_up(plan or TrafficPlan(MODEL, revision=2, champion="2", previous="1")))
    bench.shelf.batches.clear()
    return bench


def bands(bench: Bench) -> Bands:
    """Return the scores that the champion's small model is sure of."""
    served, lane = bench.models.lane(MODEL, None)
    found, _ = bands_of(served.policy, lane.arm)
    assert found.low is not None
    assert found.high is not None
    return found


SURE: Row = flight(distance_miles=100.0)
UNSURE: Row = flight(distance_miles=MIDDLE - SPREAD * np.log(3))
"""At the threshold of the policy, one in four."""


def tiers(bench: Bench, *rows: Row, **more: Any) -> list[str]:
    """Return each row's tier in the answer, which must be the log's."""
    answer = bench.ask("POST", f"/v2/models/{MODEL}/predict", json={"rows": list(rows)}, **more)
    assert answer.status_code == 200, answer.text
    predictions = answer.json()["predictions"]
    said = [one["tier"] for one in predictions]
    logged = {row["prediction_id"]: row for row in bench.log.rows()}
    mine = [logged[one["prediction_id"]] for one in predictions]
    assert [row["tier"] for row in mine] == said
    assert [row["score"] for row in mine] == [one["probability"] for one in predictions]
    assert [row["decision"] for row in mine] == [one["decision"] for one in predictions]
    return said


def counted(bench: Bench) -> list[int]:
    """Have the champion tell of each matrix it scores, by its rows."""
    served, lane = bench.models.lane(MODEL, None)
    rows: list[int] = []
    predict = lane.arm.predictor.predict

    def told(matrix: np.ndarray) -> np.ndarray:
        rows.append(len(matrix))
        return predict(matrix)

    # A frozen value, changed in place: the stage holds this very predictor.
    object.__setattr__(lane.arm.predictor, "predict", told)
    assert isinstance(served, ServedModel)
    return rows


def fail(bench: Bench) -> None:
    """Have the champion fail from here on."""
    _, lane = bench.models.lane(MODEL, None)

    def fails(_: np.ndarray) -> np.ndarray:
        raise ValueError("no")

    object.__setattr__(lane.arm.predictor, "predict", fails)


def on_trial(bench: Bench, share: float) -> None:
    """Have version 1 stand as a canary beside version 2."""
    plan = TrafficPlan(MODEL, revision=3, champion="2", previous=None, canary=CanaryArm("1", 0, share, 3, NOW, 3))
    for _ in range(100):
        served = bench.stand_up(plan)
        if not served.loading:
            break
    bench.models.put(served)
    bench.log.batches.clear()
