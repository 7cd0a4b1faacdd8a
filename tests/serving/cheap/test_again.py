"""Answers given again: to the same request, and to near vectors."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from feature_repo.definition import load_definition
from lifecycle.cache_policy import CachePolicy, Tolerance
from lifecycle.log_policy import DroppedFeature, HiddenField, LogPolicy
from lifecycle.plan import ShadowArm, TrafficPlan
from lifecycle.review_policy import ReviewPolicy
from serving.rollout.workers import Job, Workers
from serving.tiers import at_once
from tests.serving.cheap.conftest import CACHE, CASCADE, NOW, SURE, UNSURE, counted, stand, tiers
from tests.serving.conftest import MODEL, Bench, flight

NEAR = CachePolicy(keep_seconds=60, keep_answers=100, tolerances=(Tolerance(feature="route_miles", within=50),))


def test_same_request_is_answered_again_without_features_or_version(make_bench: Callable[..., Bench]) -> None:
    """With the same score, the features of then, and an id of its own."""
    bench = stand(make_bench(cache=CACHE))
    asked = counted(bench)
    assert tiers(bench, UNSURE) == ["model"]
    assert tiers(bench, UNSURE) == ["cache"]
    assert (asked, bench.shelf.batches) == ([1], [1])
    first, again = bench.log.rows()
    assert first["prediction_id"] != again["prediction_id"]
    same = ("score", "features", "feature_at", "defaulted", "request", "example_id", "decision", "version", "moment_at")
    assert {name: first[name] for name in same} == {name: again[name] for name in same}


def test_only_new_rows_of_a_request_are_computed(make_bench: Callable[..., Bench]) -> None:
    """The others are between them where they were asked."""
    bench = stand(make_bench(cache=CACHE))
    rows = [flight(flight=number, tail_number="N00000" if number == 2 else "N14228") for number in range(1, 5)]
    tiers(bench, rows[1], rows[3])
    bench.shelf.batches.clear()
    alone = [bench.predict(row).json()["predictions"][0] for row in rows]
    bench = stand(make_bench(cache=CACHE))
    tiers(bench, rows[1], rows[3])
    bench.shelf.batches.clear()
    answer = bench.predict(*rows).json()["predictions"]
    assert [one["tier"] for one in answer] == ["model", "cache", "model", "cache"]
    assert bench.shelf.batches == [2]
    for one, other in zip(answer, alone, strict=True):
        assert (one["probability"], one["defaulted"]) == (other["probability"], other["defaulted"])


def test_caller_who_asks_for_a_new_answer_gets_one(make_bench: Callable[..., Bench]) -> None:
    """Of no-cache the answer is kept for others; of no-store nothing is."""
    bench = stand(make_bench(cache=CACHE))
    assert tiers(bench, UNSURE, headers={"cache-control": "no-store"}) == ["model"]
    assert tiers(bench, UNSURE, headers={"cache-control": "no-cache"}) == ["model"]
    assert tiers(bench, UNSURE, headers={"cache-control": "no-cache"}) == ["model"]
    assert tiers(bench, UNSURE) == ["cache"]


def test_near_vectors_count_as_one_by_the_declared_tolerance(make_bench: Callable[..., Bench]) -> None:
    """Another flight number, a few miles more: the features are read, and the version is not asked."""
    bench = stand(make_bench(cache=NEAR))
    asked = counted(bench)
    first, near, far = (flight(flight=n, distance_miles=m) for n, m in ((1, 1500.0), (2, 1510.0), (3, 1700.0)))
    assert tiers(bench, first) == ["model"]
    assert tiers(bench, near, far) == ["cache", "model"]
    assert asked == [1, 1]
    one, other = (row for row in bench.log.rows() if '"flight":3' not in row["request"])
    assert one["score"] == other["score"]
    assert one["features"] != other["features"]


def test_without_tolerances_near_is_not_the_same(make_bench: Callable[..., Bench]) -> None:
    """Only what was declared."""
    bench = stand(make_bench(cache=CACHE))
    assert tiers(bench, flight(flight=1)) == ["model"]
    assert tiers(bench, flight(flight=2)) == ["model"]


def test_another_plan_begins_with_nothing_kept(make_bench: Callable[..., Bench]) -> None:
    """What a version answered is no other version's answer."""
    bench = stand(make_bench(cache=CACHE))
    tiers(bench, UNSURE)
    stand(bench, TrafficPlan(MODEL, revision=3, champion="1", previous="2"))
    assert tiers(bench, UNSURE) == ["model"]
    assert bench.log.rows()[-1]["version"] == "1"


@pytest.mark.parametrize("kept", [True, False])
def test_cheap_answers_start_no_thread(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch, *, kept: bool
) -> None:
    """With features in memory; without, one reads them, which is none of the version's own."""
    bench = stand(make_bench(cascade=CASCADE, cache=CACHE))
    bench.shelf.kept = kept
    own = bench.models.lane(MODEL, None)[1].arm.workers
    asked: list[Workers] = []
    submit = Workers.submit

    def told(workers: Workers, job: Job) -> bool:
        asked.append(workers)
        return submit(workers, job)

    monkeypatch.setattr(Workers, "submit", told)
    assert tiers(bench, SURE) == ["small"]
    assert len(asked) == (0 if kept else 1)
    assert own not in asked
    asked.clear()
    assert tiers(bench, SURE) == ["cache"]
    assert asked == []
    monkeypatch.setattr(at_once, "MOST_ROWS", 0)
    assert tiers(bench, UNSURE) == ["model"]
    assert asked.count(own) == 1


def test_shadow_sees_the_champion_s_own_rows_alone(make_bench: Callable[..., Bench]) -> None:
    """Answers given again were shown to it when they were new."""
    bench = make_bench(cache=CACHE)
    plan = TrafficPlan(MODEL, revision=3, champion="2", previous=None, shadow=ShadowArm("1", 3, NOW))
    stand(bench, plan)
    seen: list[Any] = []

    class Mirror:
        def offer(self, batch: Any) -> None:
            seen.append(batch.column("tier").to_pylist())

    bench.models.serving()[0].mirror.mirror = Mirror()
    tiers(bench, UNSURE)
    tiers(bench, UNSURE, SURE)
    assert seen == [["model"], ["model"]]


def test_requests_that_differ_only_in_what_the_log_hides_are_not_one(make_bench: Callable[..., Bench]) -> None:
    """Neither in the cache, nor is anything hidden in the log when an answer is given again."""
    hidden = HiddenField(name="tail_number", keep="nothing", because="It is nobody's business.")
    dropped = DroppedFeature(name="seats", because="As above.")
    kept = LogPolicy(fields=(hidden,), dropped_features=(dropped,))
    bench = stand(make_bench(cache=CACHE, kept=kept))
    planes = ("N14228", "N00000", None)
    assert [tiers(bench, UNSURE | {"tail_number": tail}) for tail in planes] == [["model"]] * 3
    assert [tiers(bench, UNSURE | {"tail_number": tail}) for tail in planes] == [["cache"]] * 3
    seats = load_definition(MODEL).vector.index("seats")
    logged = bench.log.rows()
    assert {json.loads(row["request"])["tail_number"] for row in logged} == {None}
    assert {row["features"][seats] for row in logged} == {None}


def test_cheap_answer_is_provisional_as_any_other(make_bench: Callable[..., Bench]) -> None:
    """Whether the small model gave it or it was given again."""
    review = ReviewPolicy(
        unsure_within=1,
        unsure_decided_by=(),
        audit_share=0,
        most_open=1000,
        answer_within_hours=1,
        claim_minutes=5,
        escalate_to="on-call",
    )
    bench = stand(make_bench(cascade=CASCADE, cache=CACHE, review=review))
    assert [tiers(bench, SURE), tiers(bench, SURE)] == [["small"], ["cache"]]
    answer = bench.predict(SURE, UNSURE).json()["predictions"]
    assert [(one["tier"], one["provisional"]) for one in answer] == [("cache", True), ("model", True)]
    assert {row["review"] for row in bench.log.rows()} == {"provisional"}
