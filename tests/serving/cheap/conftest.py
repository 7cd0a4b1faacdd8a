"""Versions that know something of distance, with small models that know nearly as much."""

from pathlib import Path

import numpy as np
import pytest

from feature_repo.definition import load_definition
from lifecycle.cascade import Bands
from lifecycle.cascade_policy import CascadePolicy
from lifecycle.plan import TrafficPlan
from lifecycle.prices_policy import PricesPolicy, TierPrices
from serving.cheap.cheap import bands_of
from tests.serving.conftest import MODEL, Bench, Row, flight, write_version

CASCADE = CascadePolicy(decided_otherwise_at_most=0.05, confidence=0.9)
PRICES = PricesPolicy(
    per_1000_answers=TierPrices(model=1000, previous=1000, small=100, rule=10, static=5, cache=1), per_cpu_second=0
)
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
