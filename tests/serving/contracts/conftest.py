"""Versions of both of the parcels' contracts, real features for them, and an application that serves any plan."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import xgboost

from feature_repo.definition import ModelDefinition
from feature_repo.feast_store import open_feature_store
from feature_repo.online import OnlineFeatures
from feature_repo.push import push_latest
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from serving.models import Models, ServedModel
from serving.parts import FeatureReader
from serving.prediction_ids import PredictionIds
from serving.rollout.loading import Loading
from serving.routes import Application
from serving.standing import StandingUp
from stores.policies import load_policy
from stores.versions import VersionFiles, Versions
from tests.policies import SERVING_YAML, TRAINING_YAML, rollout_yaml
from tests.serving.conftest import Bench, MemoryLog, Row, Shelf
from tests.serving.contracts import parcels
from tests.serving.contracts.parcels import DEFINITION, DEFINITION_V1, MODEL, SENDER
from tests.serving.versions import manifest_of

POLICY = (
    """
model: parcels
owner: tests
"""
    + SERVING_YAML
    + """decision: {threshold: 0.5, positive: "late", negative: "in_time", overrides: [], safety_filters: []}
cost: {false_alarm: 1, missed: 1}
"""
    + TRAINING_YAML
    + """offline_gate:
  - id: ranks
    require: {metric: auc, at_least: 0.8}
    because: The truth is there to be found.
"""
    + rollout_yaml("sender")
)
CONTRACT = "X-Holdfast-Contract"


def old(**changes: Any) -> Row:
    """Return a row of the first contract, changed."""
    row: Row = {
        "parcel": 1,
        "sender": "s7",
        "service": "road",
        "weight": 2.5,
        "asked_at": "2024-05-01T13:00:00Z",
    }
    return row | changes


def new(**changes: Any) -> Row:
    """Return the same row in the second contract, changed."""
    row = old() | {"fragile": False}
    row["weight_kg"] = row.pop("weight")
    return row | changes


def write_version(root: Path, version: str, definition: ModelDefinition, seed: int = 0) -> VersionFiles:
    """Train a small booster whose answer depends on every feature and write it as a version of an edition."""
    folder = root / MODEL / version
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    matrix = rng.random((600, len(definition.vector))).astype(np.float32)
    label = (matrix.sum(axis=1) + rng.normal(scale=0.2, size=600) > len(definition.vector) / 2).astype(np.float32)
    matrix[:, definition.vector.index("heavy")] *= 50
    parameters = {"objective": "binary:logistic", "max_depth": 4, "nthread": 1, "seed": seed}
    xgboost.train(parameters, xgboost.DMatrix(matrix, label), num_boost_round=15).save_model(folder / "model.ubj")
    manifest = manifest_of(folder, definition, definition.contract.example_row())
    (folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    return VersionFiles(folder, manifest)


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every test know the parcels."""
    monkeypatch.setitem(sys.modules, f"feature_repo.{MODEL}", parcels.made())


@pytest.fixture(scope="session")
def parcel_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with version 1 of the first contract and versions 2 and 3 of the second and first."""
    root = tmp_path_factory.mktemp("parcels")
    for version, definition in (("1", DEFINITION_V1), ("2", DEFINITION), ("3", DEFINITION_V1)):
        write_version(root, version, definition, seed=int(version))
    return root


@pytest.fixture(scope="session")
def features_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of Feast's stores, with the newest features of every sender in it."""
    root = tmp_path_factory.mktemp("features")
    fill(root)
    return root


def fill(root: Path) -> None:
    """Push every sender's features to the online store."""
    (stream,) = DEFINITION.streams
    events = {stream.name: stream.read(*DEFINITION.source_range)}
    push_latest(open_feature_store(DEFINITION, root), SENDER, SENDER.build(events, *DEFINITION.source_range))


@dataclass
class Office:
    """An application over both contracts' versions, with its parts within reach."""

    bench: Bench

    def put(self, plan: TrafficPlan) -> ServedModel:
        """Serve a plan."""
        served = self.bench.stand_up(plan)
        self.bench.models.put(served)
        return served

    def predict(self, *rows: Row, contract: str | None = None, version: str | None = None) -> httpx.Response:
        """Return the answer to rows of JSON."""
        headers = {} if contract is None else {CONTRACT: contract}
        at = "" if version is None else f"/versions/{version}"
        return self.bench.ask("POST", f"/v2/models/{MODEL}{at}/predict", json={"rows": list(rows)}, headers=headers)

    def logged(self) -> list[dict[str, Any]]:
        """Return what was logged since the last call."""
        rows = self.bench.log.rows()
        self.bench.log.batches.clear()
        return rows


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """Return a folder with the parcels' policy."""
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / f"{MODEL}.yaml").write_text(POLICY, encoding="utf-8")
    return folder


@pytest.fixture
def office(parcel_versions: Path, features_root: Path, policies: Path) -> Office:
    """Return an office that serves nothing yet, over real features."""
    log, models = MemoryLog(), Models()

    def reader_of(edition: ModelDefinition, _: Policy) -> FeatureReader:
        return OnlineFeatures(open_feature_store(edition, features_root), edition, 0, time.monotonic)

    stand_up = StandingUp(
        lambda name: load_policy(policies, name),
        reader_of,
        Versions(parcel_versions, None).open,
        log,
        PredictionIds(time.time),
        "replica-a",
    )
    stand_up.loading = Loading(patience_seconds=30.0)
    return Office(Bench(Application(models), models, Shelf(DEFINITION), log, stand_up))
