"""What the guard of a version's answers sees of rows that something cheaper answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pyarrow as pa

from lifecycle.cache_policy import CachePolicy
from serving.cheap.cheap import bands_of
from serving.outputs.guards import Guards
from serving.outputs.opening import Guarded
from tests.serving.cheap.conftest import CASCADE, SURE, UNSURE, stand
from tests.serving.conftest import MODEL, Bench, flight


@dataclass
class Watching:
    """A guard that never stops anything, and keeps what it was shown."""

    closed: bool = True
    seen: list[tuple[Sequence[str], np.ndarray, pa.RecordBatch]] = field(default_factory=list)

    def watch(self, example_ids: Sequence[str], scores: np.ndarray, logged: pa.RecordBatch) -> None:
        """Keep what is shown."""
        self.seen.append((example_ids, scores, logged))

    def stood_in(self, logged: pa.RecordBatch) -> None:
        """Take rows that were answered in the version's place."""

    def wants_trial(self) -> bool:
        """Want none."""
        return False


@dataclass
class Watchers:
    """One guard for all."""

    guard: Watching

    def of(self, _: Guarded, __: object) -> Watching:
        """Return it."""
        return self.guard

    def keep(self, model: str, guarded: object) -> None:
        """Let go of nothing."""


def watched(bench: Bench) -> Watching:
    """Have a bench's answers watched."""
    guard = Watching()
    bench.stand_up.guards = cast("Guards", cast("Any", Watchers(guard)))
    stand(bench)
    return guard


def test_guard_sees_the_small_model_s_scores_on_the_version_s_scale(make_bench: Callable[..., Bench]) -> None:
    """Else it would take the cascade for a version that has become surer or less sure than it was."""
    bench = make_bench(cascade=CASCADE)
    guard = watched(bench)
    rows = [flight(distance_miles=float(one), flight=one) for one in range(50, 3000, 50)]
    bench.predict(*rows)
    logged = bench.log.rows()
    ids = [one for seen, _, _ in guard.seen for one in seen]
    scores = np.concatenate([seen for _, seen, _ in guard.seen])
    assert ids == [row["example_id"] for row in logged]
    assert [row["score"] for row in logged] == [one for _, _, batch in guard.seen for one in batch["score"].to_pylist()]
    assert len(ids) == len(rows)
    served, lane = bench.models.lane(MODEL, None)
    _, scale = bands_of(served.policy, lane.arm)
    small = np.array([row["tier"] == "small" for row in logged])
    given = np.array([row["score"] for row in logged])
    assert small.any()
    assert not small.all()
    assert (scores[~small] == given[~small]).all()
    assert (scores[small] == scale.of(given[small])).all()
    assert not (scores[small] == given[small]).all()


def test_guard_does_not_see_what_was_given_again(make_bench: Callable[..., Bench]) -> None:
    """It has seen it before, and a question that is asked all day says nothing new."""
    bench = make_bench(cache=CachePolicy(keep_seconds=60, keep_answers=10, tolerances=()))
    guard = watched(bench)
    bench.predict(UNSURE)
    bench.predict(UNSURE)
    bench.predict(UNSURE, SURE)
    assert [batch["tier"].to_pylist() for _, _, batch in guard.seen] == [["model"], ["model"]]
    assert [list(ids) for ids, _, _ in guard.seen] == [[bench.log.rows()[0]["example_id"]]] * 2


def test_nothing_cheap_is_given_while_the_version_is_stopped(make_bench: Callable[..., Bench]) -> None:
    """What it answered before is its answer, too; the rule stands in."""
    bench = make_bench(cascade=CASCADE, cache=CachePolicy(keep_seconds=60, keep_answers=10, tolerances=()))
    guard = watched(bench)
    bench.predict(UNSURE)
    guard.closed = False
    answer = bench.predict(UNSURE, SURE).json()
    assert [one["tier"] for one in answer["predictions"]] == ["rule", "rule"]
