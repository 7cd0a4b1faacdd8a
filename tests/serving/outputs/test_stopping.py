"""A champion that begins to answer nonsense is stopped, kept, tried again and let back, and nobody's request fails."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from lifecycle.plan import CanaryArm, ShadowArm, TrafficPlan
from lifecycle.policy import Policy
from tests.serving.conftest import MODEL, Bench, flight
from tests.serving.outputs.stopped import COOL_DOWN, RULE_SCORE, WINDOW, Stopped, stopped, tiers
from tests.serving.rollout.trials import Kept

CHAMPION = TrafficPlan(MODEL, revision=2, champion="2", previous="1")
AT = datetime(2013, 4, 1, tzinfo=UTC)


def half(matrix: np.ndarray) -> np.ndarray:
    """Answer the same to everything."""
    return np.full(len(matrix), 0.2)


@pytest.fixture
def world(make_bench: Callable[..., Bench], tmp_path: Path) -> Stopped:
    """Return a gateway whose champion, version 2, has answered some 300 flights well."""
    made = stopped(make_bench(), tmp_path)
    made.serve(CHAMPION)
    assert set(tiers(made.ask(300))) == {"model"}
    return made


def test_constant_champion_is_replaced_by_the_rule_within_one_window(world: Stopped) -> None:
    """Every later answer is the rule's, decided by the same policy, and no request fails."""
    world.versions["2"].instead = half
    told = tiers(world.ask(WINDOW + 50))
    first = told.index("rule")
    assert first <= WINDOW
    assert set(told[first:]) == {"rule"}
    (later,) = world.ask(1)
    assert (later["probability"], later["decision"], later["version"]) == (RULE_SCORE, "likely_late", "2")
    row = world.bench.log.rows()[-1]
    assert (row["tier"], row["score"], row["arm"], row["outcome"], row["shown"]) == (
        "rule",
        RULE_SCORE,
        "champion",
        "answered",
        True,
    )


def test_stopped_version_is_not_asked(world: Stopped) -> None:
    """What gives nonsense may be slow, too."""
    world.versions["2"].instead = half
    world.ask(WINDOW + 10)
    calls = world.versions["2"].calls
    world.ask(100)
    assert world.versions["2"].calls == calls


def test_answer_says_its_tier_in_both_protocols(world: Stopped) -> None:
    """A client can tell a rule from a model."""
    body = {
        "inputs": [
            {"name": name, "datatype": kind, "shape": [1], "data": [value]}
            for (name, value), kind in zip(
                flight().items(),
                ("BYTES", "INT64", "BYTES", "BYTES", "BYTES", "BYTES", "BYTES", "FP64"),
                strict=True,
            )
        ]
    }
    infer = f"/v2/models/{MODEL}/infer"
    assert world.bench.ask("POST", infer, json=body).json()["parameters"]["tier"] == "model"
    world.versions["2"].instead = half
    world.ask(WINDOW + 10)
    assert world.bench.ask("POST", infer, json=body).json()["parameters"]["tier"] == "rule"


def test_capture_holds_the_rows_around_the_moment_whole(world: Stopped) -> None:
    """Everything that the log keeps of them, once, before and after, up to what the policy wants."""
    world.versions["2"].instead = half
    world.ask(WINDOW + 10)
    world.guards.tick()
    (capture,) = world.ledger.all(MODEL)
    assert capture.closed_at is None
    assert (capture.version, capture.arm, capture.replica) == ("2", "champion", "replica-a")
    assert "spread" in capture.reason
    assert capture.evidence["statistic"] == "spread"
    before = world.files.read(capture.capture_id)
    assert before.num_rows == capture.rows
    assert 0.2 in before["score"].to_pylist()
    world.ask(2000)
    world.guards.tick()
    (capture,) = world.ledger.all(MODEL)
    whole = world.files.read(capture.capture_id)
    policy: Policy = world.bench.stand_up.policy_of(MODEL)
    assert policy.watching.outputs.capture_rows <= whole.num_rows == capture.rows
    assert whole.num_rows < policy.watching.outputs.capture_rows + 10
    logged = {row["prediction_id"]: row for row in world.bench.log.rows()}
    rows = whole.to_pylist()
    assert len({row["prediction_id"] for row in rows}) == len(rows)
    assert all(logged[row["prediction_id"]] == row for row in rows)
    assert {row["tier"] for row in rows} == {"model", "rule"}
    assert all(row["request"] and row["features"] for row in rows)


def test_healthy_again_the_version_comes_back_after_one_quiet_window(world: Stopped) -> None:
    """Behind the rule's answers, not in front of users; the closing is in the ledger."""
    world.versions["2"].instead = half
    world.ask(WINDOW + 10)
    world.versions["2"].instead = None
    assert set(tiers(world.ask(100))) == {"rule"}
    world.hands.seconds += COOL_DOWN
    told = tiers(world.ask(WINDOW + 50))
    first = told.index("model")
    assert WINDOW <= first <= WINDOW + 20
    assert set(told[first:]) == {"model"}
    world.guards.tick()
    (capture,) = world.ledger.all(MODEL)
    assert capture.closed_at is not None
    assert world.ledger.open(MODEL) == ()


def test_still_broken_the_version_stays_away_and_it_is_one_opening(world: Stopped) -> None:
    """It is tried after every cool-down, and what is kept is kept once."""
    world.versions["2"].instead = half
    world.ask(WINDOW + 10)
    for _ in range(3):
        world.hands.seconds += COOL_DOWN
        assert set(tiers(world.ask(WINDOW + 50))) == {"rule"}
    assert world.guard().breaker.tripped == 4
    world.guards.tick()
    assert len(world.ledger.all(MODEL)) == 1


def test_version_that_fails_while_it_is_tried_stays_away(world: Stopped) -> None:
    """An error is no quiet window, and no user's."""
    world.versions["2"].instead = half
    world.ask(WINDOW + 10)

    def fails(_: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError("worn out")

    world.versions["2"].instead = fails
    world.hands.seconds += COOL_DOWN
    assert set(tiers(world.ask(50))) == {"rule"}
    trouble = world.guards.trouble(MODEL)
    assert trouble is not None
    assert "ZeroDivisionError: worn out" in trouble


def test_repeated_request_stops_nobody(world: Stopped) -> None:
    """However often one flight is asked about, and whatever is answered."""
    world.versions["2"].instead = half
    assert set(tiers(world.ask_rows([flight()] * 2000, batch=50))) == {"model"}


def test_new_plan_goes_on_where_the_old_one_stood(world: Stopped) -> None:
    """A canary that begins does not let a stopped champion back; a champion that leaves is watched no more."""
    world.versions["2"].instead = half
    world.ask(WINDOW + 10)
    world.serve(TrafficPlan(MODEL, 3, "2", "1", canary=CanaryArm("1", 0, 0.01, 3, AT, 3)))
    assert "rule" in tiers(world.ask(30))
    world.serve(TrafficPlan(MODEL, 4, champion="1", previous="2"))
    assert set(tiers(world.ask(30))) == {"model"}
    world.guards.tick()
    (capture,) = world.ledger.all(MODEL)
    assert capture.closed_at is not None


def test_status_of_a_replica_says_whose_answers_are_stopped(world: Stopped) -> None:
    """As the watch on plans reports it, and as a gauge."""
    assert world.guards.trouble(MODEL) is None
    world.versions["2"].instead = half
    world.ask(WINDOW + 10)
    assert "the answers of version 2 as champion are stopped: the last" in str(world.guards.trouble(MODEL))
    assert list(world.guards.open_breakers()) == [({"model": MODEL, "version": "2", "arm": "champion"}, 1.0)]


def test_stopped_rows_are_not_shown_to_a_shadow(world: Stopped) -> None:
    """Its pairs are with the champion's own answers."""
    world.serve(TrafficPlan(MODEL, 3, "2", "1", shadow=ShadowArm("3", 3, AT)))
    served, kept = world.bench.models.find(MODEL), Kept()
    assert served is not None
    served.mirror.mirror = kept
    world.versions["2"].instead = half
    told = tiers(world.ask(WINDOW + 50))
    assert sum(batch.num_rows for batch in kept.batches) == told.count("model") < len(told)


def canary_world(world: Stopped) -> Stopped:
    """Return the world with version 1 as a canary for half of the units."""
    world.serve(TrafficPlan(MODEL, 3, "2", None, canary=CanaryArm("1", 0, 0.5, 3, AT, 3)))
    return world


def test_stopped_canary_counts_as_failed_and_the_champion_answers(world: Stopped) -> None:
    """The rule stands in for the champion only; what is on trial fails its trial."""
    world = canary_world(world)
    assert {one["version"] for one in world.ask(600)} == {"1", "2"}
    world.versions["1"].instead = half
    world.ask(600)
    later = world.ask(50)
    assert {(one["version"], one["tier"]) for one in later} == {("2", "model")}
    failed = [row for row in world.bench.log.rows()[-100:] if row["arm"] == "canary"]
    assert failed
    assert {(row["outcome"], row["shown"], row["score"]) for row in failed} == {("failed", False, None)}
    assert all(row["error"].startswith("outputs: the answers of version 1 as canary are stopped") for row in failed)
    calls = world.versions["1"].calls
    world.ask(50)
    assert world.versions["1"].calls == calls


def test_stopped_control_group_is_answered_by_the_rule(world: Stopped) -> None:
    """It is the champion's version, watched by itself, because its arm is another; the canary goes on."""
    world = canary_world(world)
    world.ask(600)
    world.versions["2"].instead = half
    world.ask(600)
    later = world.ask(100)
    assert {(one["version"], one["tier"]) for one in later} == {("1", "model"), ("2", "rule")}
    control = [row for row in world.bench.log.rows()[-100:] if row["arm"] == "control"]
    assert {row["tier"] for row in control} == {"rule"}
    world.guards.tick()
    assert [capture.arm for capture in world.ledger.all(MODEL)] == ["control"]


def test_canary_that_fails_beside_a_stopped_champion_is_answered_by_the_rule(world: Stopped) -> None:
    """Who stands in for the canary is stopped as well, and somebody must answer."""

    def fails(_: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError("worn out")

    world.versions["2"].instead = half
    world.ask(WINDOW + 10)
    world = canary_world(world)
    world.versions["1"].instead = fails
    answered = world.ask(60)
    canary = [row for row in world.bench.log.rows()[-120:] if row["arm"] == "canary"]
    paired = {row["pairs_with"] for row in canary}
    assert canary
    assert {one["tier"] for one in answered if one["prediction_id"] in paired} == {"rule"}
