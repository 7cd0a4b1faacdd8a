"""Isolated arms behind the gateway: the same answers, and when their process is lost, somebody else's at once."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from lifecycle.assignment import Arm
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.resources_policy import ArmResources, ResourcesPolicy
from serving.arms import Proof
from serving.health import Health
from serving.isolation.scorer import Isolated
from serving.standing import StandingUp
from stores.policies import load_policy
from tests.serving.conftest import MODEL, POLICIES, Bench, flight
from tests.serving.rollout.trials import CANARY, CHAMPION, plan, put, rows_in
from tests.serving.shadow.conftest import until

ISOLATED = ArmResources(cpus=0, gpus=0, device="cpu", memory_mb=600, placement="isolated", deadline_ms=500)
ALONE = TrafficPlan(MODEL, revision=2, champion=CHAMPION, previous=None)
MakeBench = Callable[..., Bench]


def resources(*isolated: str) -> ResourcesPolicy:
    """Return the shipped resources with some arms isolated."""
    return load_policy(POLICIES, MODEL).resources.model_copy(update=dict.fromkeys(isolated, ISOLATED))


def process_of(stand_up: StandingUp, version: str) -> Isolated:
    """Return an isolated version as it stands."""
    predict = stand_up._arms[MODEL][version].predictor.predict
    assert isinstance(predict, Isolated)
    return predict


def lose(isolated: Isolated, how: signal.Signals) -> None:
    """Have a version's process crash or hang."""
    pid = isolated.pid()
    assert pid is not None
    os.kill(pid, how)


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGSTOP])
def test_rule_answers_while_the_champions_process_is_lost(make_bench: MakeBench, how: signal.Signals) -> None:
    """Nobody gets an error, nobody waits longer than the deadline, and the champion is back by itself."""
    bench = make_bench(resources=resources("champion"))
    put(bench, ALONE)
    shared = make_bench()
    put(shared, ALONE)
    before = bench.predict(flight()).json()
    assert before["predictions"][0]["probability"] == shared.predict(flight()).json()["predictions"][0]["probability"]
    assert before.get("tier", "model") == "model"
    isolated = process_of(bench.stand_up, CHAMPION)
    lose(isolated, how)
    began = time.monotonic()
    answer = bench.predict(flight(), flight(flight=2))
    assert time.monotonic() - began < 2
    assert answer.status_code == 200
    rows = bench.log.rows()[1:]
    assert [(row["tier"], row["outcome"], row["shown"]) for row in rows] == [
        ("rule", "answered", True),
        ("rule", "answered", True),
        ("model", "failed", False),
        ("model", "failed", False),
    ]
    assert [row["pairs_with"] for row in rows[2:]] == [row["prediction_id"] for row in rows[:2]]
    assert "ProcessLost: its process" in rows[2]["error"]
    until(lambda: isolated.pid() is not None and isolated.losses() == 1, 60)
    assert bench.predict(flight()).json()["predictions"][0]["probability"] == before["predictions"][0]["probability"]


def test_lost_process_makes_its_model_unready_and_no_replica(make_bench: MakeBench) -> None:
    """Its own process is what is replaced; the replica answers on, for this model by other tiers."""
    bench = make_bench(resources=resources("champion"))
    lane = put(bench, ALONE).lanes[CHAMPION]
    assert isinstance(lane.proof, Proof)
    lane.proof.seconds = 0.0
    health = Health(bench.models)
    assert lane.proof.failure() is None
    isolated = process_of(bench.stand_up, CHAMPION)
    lose(isolated, signal.SIGKILL)
    until(lambda: "its process died of SIGKILL, and is being started again" in (lane.proof.failure() or ""), 10)
    assert health.broken() == []
    assert health.failures() == []
    until(lambda: lane.proof.failure() is None, 60)


def test_hanging_process_holds_up_no_health_check(make_bench: MakeBench) -> None:
    """Its example is not run through it: whoever asks for health waits on the event loop."""
    bench = make_bench(resources=resources("champion"))
    lane = put(bench, ALONE).lanes[CHAMPION]
    assert isinstance(lane.proof, Proof)
    lane.proof.seconds = 0.0
    isolated = process_of(bench.stand_up, CHAMPION)
    lose(isolated, signal.SIGSTOP)
    began = time.monotonic()
    assert lane.proof.failure() is None
    assert time.monotonic() - began < 0.4


def test_champion_answers_when_an_isolated_canarys_process_is_lost(make_bench: MakeBench) -> None:
    """As for every failure of a canary, and logged as one."""
    bench = make_bench(deadline_ms=2000.0, resources=resources("canary"))
    put(bench, plan())
    (row,) = rows_in(bench, Arm.CANARY, 1)
    assert bench.predict(row).json()["version"] == CANARY
    lose(process_of(bench.stand_up, CANARY), signal.SIGSEGV)
    assert bench.predict(row).json()["version"] == CHAMPION
    failed = [row for row in bench.log.rows() if row["outcome"] == "failed"]
    assert [(one["version"], one["arm"]) for one in failed] == [(CANARY, "canary")]
    assert "ProcessLost" in failed[0]["error"]


def test_promoted_canary_moves_to_where_the_champion_stands(make_bench: MakeBench) -> None:
    """Each arm has its own place; what keeps its place is not loaded again."""
    bench = make_bench(resources=resources("canary"))
    put(bench, plan())
    pid = process_of(bench.stand_up, CANARY).pid()
    champion = bench.stand_up._arms[MODEL][CHAMPION]
    put(bench, plan(revision=6))
    assert process_of(bench.stand_up, CANARY).pid() == pid
    put(bench, replace(plan(revision=7), champion=CANARY, previous=CHAMPION, canary=None))
    assert not bench.stand_up._arms[MODEL][CANARY].isolated
    assert bench.stand_up._arms[MODEL][CHAMPION] is champion


def test_changed_policy_moves_the_champion(make_bench: MakeBench) -> None:
    """No restart: the next look at the policy loads it where it is to stand."""
    bench = make_bench()
    put(bench, ALONE)
    policy_of = bench.stand_up.policy_of

    def isolated(model: str) -> Policy:
        return policy_of(model).model_copy(update={"resources": resources("champion")})

    bench.stand_up.policy_of = isolated
    put(bench, ALONE)
    assert process_of(bench.stand_up, CHAMPION).pid() is not None
    assert bench.predict(flight()).status_code == 200
