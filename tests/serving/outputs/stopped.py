"""A gateway's application whose champion can be made to answer anything, with guards over a real ledger and files."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt

from lifecycle.outputs import profile_outputs
from lifecycle.plan import TrafficPlan
from lifecycle.profile import NumericProfile, Profile
from serving.outputs.capturing import Capturing
from serving.outputs.guard import Guard
from serving.outputs.guards import Guards
from serving.outputs.opening import Guarded
from stores.captures import CaptureFiles
from stores.ledger.captures import Captures
from stores.ledger.opening import open_ledger
from tests.serving.conftest import MODEL, Bench, Row, flight

COOL_DOWN = 60.0
WINDOW = 200
CAPTURE = 2000
RULE_SCORE = 1.0
"""The shelf says 1.0 of everything it knows."""


@dataclass
class Hands:
    """Clocks that a test turns."""

    seconds: float = 0.0

    def monotonic(self) -> float:
        """Return seconds since the start."""
        return self.seconds

    def now(self) -> datetime:
        """Return the machine's time."""
        return datetime.fromtimestamp(1_364_800_000 + self.seconds, UTC)


@dataclass
class Predicting:
    """A version that gives each row a healthy score of its own, until it is told to answer otherwise."""

    instead: Callable[[np.ndarray], np.ndarray] | None = None
    calls: int = 0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(3))

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """Return (n_rows,) probabilities."""
        self.calls += 1
        return healthy(len(matrix), self.rng) if self.instead is None else self.instead(matrix)


def healthy(count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return scores such as the baseline has."""
    scores: npt.NDArray[np.float64] = 1.0 / (1.0 + np.exp(1.5 - rng.normal(0.0, 0.6, count)))
    return scores


def baseline() -> Profile:
    """Return the baseline of a version that scores as `healthy` does."""
    scores = healthy(10_000, np.random.default_rng(1))
    number = NumericProfile(edges=(), counts=(0,), missing=0)
    outputs = profile_outputs(scores, np.linspace(0.0, 1e6, 10_000))
    return Profile(rows=0, features={}, categories={}, score_rows=10_000, score=number, outputs=outputs)


@dataclass
class Stopped:
    """The parts within reach."""

    bench: Bench
    home: Path
    hands: Hands
    guards: Guards
    ledger: Captures
    files: CaptureFiles
    versions: dict[str, Predicting]
    asked: int = 0

    def serve(self, plan: TrafficPlan) -> None:
        """Let the bench serve a plan in which every version predicts as told here; baselines are found."""
        self.bench.models.put(self.bench.stand_up(plan))
        arms = self.bench.stand_up._arms[MODEL]
        for version, arm in arms.items():
            predicting = self.versions.setdefault(version, Predicting())
            arms[version] = replace(arm, predictor=replace(arm.predictor, predict=predicting))
        self.bench.models.put(self.bench.stand_up(plan))
        self.guards.tick()

    def guard(self, version: str = "2", arm: str = "champion") -> Guard:
        """Return a guard that stands."""
        return self.guards._guards[Guarded(MODEL, version, arm)]

    def rows(self, count: int) -> list[Row]:
        """Return rows of flights that were not asked about before."""
        self.asked += count
        numbers = range(self.asked - count, self.asked)
        return [flight(flight=number % 9000 + 1, tail_number=f"N{number:05d}") for number in numbers]

    def ask(self, count: int, *, batch: int = 10) -> list[dict[str, Any]]:
        """Return the predictions for so many new flights, asked one request after the other in one event loop."""
        return self.ask_rows(self.rows(count), batch=batch)

    def ask_rows(self, rows: Sequence[Row], *, batch: int = 10) -> list[dict[str, Any]]:
        """Return the predictions for rows; every request must be answered."""

        async def asked() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            transport = httpx.ASGITransport(self.bench.application)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                for start in range(0, len(rows), batch):
                    body = json.dumps({"rows": rows[start : start + batch]})
                    answer = await client.post(f"/v2/models/{MODEL}/predict", content=body)
                    assert answer.status_code == 200, answer.text
                    found += answer.json()["predictions"]
                    await self._trials_behind_the_answer()
            return found

        return asyncio.run(asked())

    async def _trials_behind_the_answer(self) -> None:
        """Return once no version is being tried behind an answer."""
        while any(guard._trying_since is not None for guard in self.guards._guards.values()):  # noqa: ASYNC110 - a thread ends it
            await asyncio.sleep(0.001)


def tiers(predictions: Sequence[dict[str, Any]]) -> list[str]:
    """Return who scored each row."""
    return [one["tier"] for one in predictions]


def stopped(bench: Bench, home: Path) -> Stopped:
    """Return a bench whose versions are guarded, over a ledger and files in a folder."""
    hands, ledger = Hands(), Captures(open_ledger(f"sqlite:///{home / 'ledger.db'}"))
    files = CaptureFiles(home / "captures")
    capturing = Capturing(files, ledger, hands.now)
    guards = Guards(lambda *_: baseline(), capturing, "replica-a", hands.now, hands.monotonic)
    bench.stand_up.guards = guards
    return Stopped(bench, home, hands, guards, ledger, files, {})
