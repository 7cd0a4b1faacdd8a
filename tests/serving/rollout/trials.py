"""A canary beside a champion, and versions that misbehave in every way a test wants."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from lifecycle.assignment import Arm
from lifecycle.plan import CanaryArm, ShadowArm, TrafficPlan
from serving.models import ServedModel
from serving.rollout.trial import Trial
from tests.serving.conftest import MODEL, Bench, Row, flight

AT = datetime(2013, 4, 1, tzinfo=UTC)
CHAMPION, CANARY = "1", "2"
SHORT_MS = 150.0
PREDICT = f"/v2/models/{MODEL}/predict"
INFER = f"/v2/models/{MODEL}/infer"
NAMED = f"/v2/models/{MODEL}/versions/{CANARY}/predict"


def plan(share: float = 0.5, revision: int = 5, *, shadow: bool = False) -> TrafficPlan:
    """Return a plan in which version 2 is the canary of champion 1."""
    return TrafficPlan(
        MODEL,
        revision,
        CHAMPION,
        None,
        canary=CanaryArm(CANARY, 0, share, 5, AT, 5),
        shadow=ShadowArm("3", 5, AT) if shadow else None,
    )


def put(bench: Bench, wanted: TrafficPlan) -> ServedModel:
    """Let a bench serve a plan; return what stands."""
    served = bench.stand_up(wanted)
    bench.models.put(served)
    bench.shelf.batches.clear()
    return served


def put_with(bench: Bench, version: str, predict: Callable[[np.ndarray], np.ndarray], share: float = 0.5) -> None:
    """Let a bench serve a canary's plan in which a version predicts like this from now on."""
    put(bench, plan(share))
    arms = bench.stand_up._arms[MODEL]
    arms[version] = replace(arms[version], predictor=replace(arms[version].predictor, predict=predict))
    put(bench, plan(share))


def trial_of(bench: Bench) -> Trial:
    """Return the trial that a bench serves."""
    served = bench.models.find(MODEL)
    assert served is not None
    assert served.trial is not None
    return served.trial


def rows_in(bench: Bench, arm: Arm, count: int) -> list[Row]:
    """Return rows whose units are in an arm."""
    trial = trial_of(bench)
    found: list[Row] = []
    for number in range(10_000):
        row = flight(tail_number=f"N{number:05d}", flight=number % 900 + 1)
        (typed,) = trial.codec.from_json(json.dumps({"rows": [row]}).encode())
        if trial.assign([typed]) == [arm]:
            found.append(row)
        if len(found) == count:
            return found
    raise AssertionError(f"no {count} units of {arm}")


@dataclass
class Hanging:
    """A version that hangs until it is let go."""

    let_go: threading.Event = field(default_factory=threading.Event)
    calls: list[int] = field(default_factory=list)

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """Return one half per row, some day."""
        self.calls.append(len(matrix))
        self.let_go.wait(30)
        return np.full(len(matrix), 0.5)


@dataclass
class Kept:
    """A mirror that keeps what it is shown."""

    batches: list[pa.RecordBatch] = field(default_factory=list)

    def offer(self, batch: pa.RecordBatch) -> None:
        """Keep a batch."""
        self.batches.append(batch)


def fails(_: np.ndarray) -> np.ndarray:
    """Fail as a model does."""
    raise ZeroDivisionError("no carrier\nlike that")
