"""A small real model of the flight contract, and a gateway's application over it without Ray."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
import xgboost
from structlog.testing import capture_logs

from feature_repo.definition import Columns, ModelDefinition, load_definition
from lifecycle.decision_policy import DecisionPolicy
from lifecycle.errors import Unavailable
from lifecycle.log_policy import LogPolicy
from lifecycle.manifest import Manifest, SmallModel
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.resources_policy import ResourcesPolicy
from lifecycle.review_policy import ReviewPolicy
from serving.models import Models
from serving.prediction_ids import PredictionIds
from serving.rollout.loading import Loading
from serving.routes import Application
from serving.standing import StandingUp
from stores.formats.fast_trees import fast_score
from stores.policies import load_policy
from stores.versions import VersionFiles, Versions, file_digest
from tests.serving.versions import manifest_of

MODEL = "flight_delay"
POLICIES = Path(__file__).parents[2] / "policies"
NOON = 1364817600.0
"""2013-04-01T12:00:00Z, half an hour before the example flight's prediction moment."""

Row = dict[str, str | int | float | bool | None]


def flight(**changes: Any) -> Row:
    """Return a request row that the contract accepts, changed."""
    row: Row = {
        "carrier": "UA",
        "flight": 1545,
        "origin": "EWR",
        "dest": "IAH",
        "tail_number": "N14228",
        "scheduled_departure_at": "2013-04-01T14:30:00Z",
        "scheduled_arrival_at": "2013-04-01T18:25:00Z",
        "distance_miles": 1400.0,
    }
    return row | changes


@dataclass(frozen=True)
class Found:
    """Looked-up features."""

    values: dict[str, np.ndarray]
    event_at: dict[str, np.ndarray]


@dataclass
class Shelf:
    """An online store in memory: knows every entity but those of the planes it is told not to know.

    With `kept` it is a process's own memory of one.
    """

    definition: ModelDefinition
    unknown: set[str | None] = field(default_factory=lambda: {None, "N00000"})
    away: bool = False
    kept: bool = False
    batches: list[int] = field(default_factory=list)

    def read(self, request: Columns) -> Found:
        """Return 1.0 for everything known, NaN for the rest."""
        if self.away:
            raise Unavailable("the online store cannot be reached")
        n_rows = len(request["carrier"])
        self.batches.append(n_rows)
        known = np.array([tail not in self.unknown for tail in request["tail_number"]])
        values: dict[str, np.ndarray] = {}
        event_at: dict[str, np.ndarray] = {}
        for view in self.definition.views:
            there = known if view.entity == "tail_number" else np.ones(n_rows, bool)
            # Standing facts are old news, and no answer is older for it.
            event_at[view.name] = np.where(there, NOON if view.ages else NOON - 100 * 86_400, np.nan)
            values |= {feature.name: np.where(there, 1.0, np.nan) for feature in view.features}
        return Found(values, event_at)

    def recall(self, request: Columns) -> Found | None:
        """Return the same while everything is kept in memory."""
        return self.read(request) if self.kept else None


@dataclass
class MemoryLog:
    """A prediction log in memory, on a disk that can be full."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    full: bool = False

    def append(self, batch: pa.RecordBatch) -> None:
        """Keep a batch."""
        if self.full:
            raise Unavailable("no space left on device")
        self.batches.append(batch)

    def rows(self) -> list[dict[str, Any]]:
        """Return everything kept."""
        return [row for batch in self.batches for row in batch.to_pylist()]


@dataclass
class Bench:
    """An application with its parts within reach."""

    application: Application
    models: Models
    shelf: Shelf
    log: MemoryLog
    stand_up: StandingUp

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Return the answer to one request."""
        return self.ask_all([(method, path, more)])[0]

    def ask_all(self, requests: list[tuple[str, str, dict[str, Any]]]) -> list[httpx.Response]:
        """Return the answers to requests that arrive together."""

        async def asked() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.application)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                return await asyncio.gather(*(client.request(how, where, **more) for how, where, more in requests))

        return asyncio.run(asked())

    def predict(self, *rows: Row) -> httpx.Response:
        """Return the answer to rows of JSON."""
        return self.ask("POST", f"/v2/models/{MODEL}/predict", json={"rows": list(rows)})


def write_version(
    root: Path,
    version: str,
    seed: int = 0,
    *,
    small: bool = False,
    chance: Callable[[np.ndarray], np.ndarray] | None = None,
) -> VersionFiles:
    """Train a booster on noise and write it as a version of the flight model, with a small model if asked to.

    With `chance`, from features to the chance of being late, it is no noise: features are 0 to 3000 then.
    """
    definition = load_definition(MODEL)
    folder = root / MODEL / version
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    matrix = rng.normal(scale=100, size=(500, len(definition.vector))).astype(np.float32)
    if chance is not None:
        matrix = rng.uniform(0, 3000, size=(4000, len(definition.vector))).astype(np.float32)
    label = (rng.random(len(matrix)) < (0.5 if chance is None else chance(matrix))).astype(np.float32)
    parameters = {"objective": "binary:logistic", "max_depth": 4, "nthread": 1, "seed": seed}
    booster = xgboost.train(parameters, xgboost.DMatrix(matrix, label), num_boost_round=10)
    booster.save_model(folder / "model.ubj")
    manifest = manifest_of(folder, definition, flight(), flight(flight=12, tail_number=None))
    if small:
        manifest = _with_small(folder, manifest, booster, matrix, label)
    (folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    return VersionFiles(folder, manifest)


def _with_small(
    folder: Path, manifest: Manifest, booster: xgboost.Booster, matrix: np.ndarray, label: np.ndarray
) -> Manifest:
    taught = booster.inplace_predict(matrix)
    parameters = {"objective": "binary:logistic", "max_depth": 2, "nthread": 1}
    learned = xgboost.train(parameters, xgboost.DMatrix(matrix, taught), num_boost_round=4)
    learned.save_model(folder / "small.ubj")
    score = fast_score(learned, manifest.vector)
    judged = np.column_stack([label, taught, score(matrix)]).astype(np.float32)
    np.save(folder / "small_judged.npy", judged)
    example = np.array(manifest.example.features, dtype=np.float32)
    said = SmallModel(
        format="xgboost-ubj",
        model_file="small.ubj",
        judged_file="small_judged.npy",
        scores=score(example).tolist(),
    )
    digests = {name: file_digest(folder / name) for name in ("small.ubj", "small_judged.npy")}
    return manifest.model_copy(update={"small": said, "files": manifest.files | digests})


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """Keep structlog's lines off the screen, where drawing a traceback takes seconds."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture(scope="session")
def versions_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with versions 1 and 2 of the flight model; tests must not change it."""
    root = tmp_path_factory.mktemp("versions")
    for version in ("1", "2"):
        write_version(root, version, seed=int(version))
    return root


@pytest.fixture
def make_bench(versions_root: Path) -> Callable[..., Bench]:
    """Return a maker of benches whose policy is changed: a canary's and champion's deadlines, and serving limits.

    Nobody reviews its answers unless `review` says so, and the log keeps everything unless `kept` does.
    """

    def make(
        *,
        deadline_ms: float = 20_000.0,
        decision: DecisionPolicy | None = None,
        resources: ResourcesPolicy | None = None,
        champion_ms: float = 20_000.0,
        review: ReviewPolicy | None = None,
        kept: LogPolicy | None = None,
        **limits: float,
    ) -> Bench:
        definition = load_definition(MODEL)
        shelf, log, models = Shelf(definition), MemoryLog(), Models()

        def policy_of(model: str) -> Policy:
            policy = load_policy(POLICIES, model)
            canary = policy.rollout.canary.model_copy(update={"deadline_ms": deadline_ms})
            changed = {
                "serving": policy.serving.model_copy(update=limits),
                "tiers": policy.tiers.model_copy(update={"champion_ms": champion_ms, "deadline_ms": 60_000.0}),
                "rollout": policy.rollout.model_copy(update={"canary": canary}),
                "decision": decision or policy.decision,
                "review": review,
                "log": kept,
                "resources": resources or policy.resources,
            }
            return policy.model_copy(update=changed)

        stand_up = StandingUp(
            policy_of, lambda *_: shelf, Versions(versions_root, None).open, log, PredictionIds(time.time), "replica-a"
        )
        stand_up.log_key = lambda: b"a key"
        stand_up.loading = Loading(patience_seconds=30.0)
        return Bench(Application(models), models, shelf, log, stand_up)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """Return an application that serves version 2, with version 1 as the way back."""
    made = make_bench()
    made.models.put(made.stand_up(TrafficPlan(MODEL, revision=2, champion="2", previous="1")))
    made.shelf.batches.clear()
    return made
