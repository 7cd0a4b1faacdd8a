"""A version in shadow answers what the champion answered, in a process that comes and goes with its trial."""

import os
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from feature_repo.definition import load_definition
from lifecycle.log_policy import DroppedFeature, LogPolicy
from stores.predictor import load_predictor
from stores.versions import VersionFiles
from tests.serving.shadow.conftest import MODEL, Replica, champion_rows, plan_of, policy, until

MakeReplica = Callable[..., Replica]


def test_mirrored_batch_is_answered_beside_the_champions(make_replica: MakeReplica) -> None:
    """Each row is on record once: the same question, this version's score and decision, and whose pair it is."""
    replica = make_replica()
    mirrored = champion_rows("a", "b")
    replica.follow().offer(mirrored)
    report = replica.until_accounted(2)
    assert (report["answered_rows"], report["failed_rows"], report["dropped_rows"]) == (2, 0, 0)
    rows = replica.shadow_rows()
    theirs = mirrored.to_pylist()
    files = replica.files("2")
    vector = mirrored.column("features").flatten().to_numpy().reshape(2, -1)
    scores = load_predictor(files).score(vector).tolist()
    decision = policy().decision
    for row, paired, score in zip(rows, theirs, scores, strict=True):
        same = ("request_id", "row", "model", "moment_at", "example_id", "unit", "request", "features", "plan_revision")
        assert {name: row[name] for name in same} == {name: paired[name] for name in same}
        assert row["score"] == score
        assert row["decision"] == (decision.positive if score >= decision.threshold else decision.negative)
        assert (row["pairs_with"], row["version"], row["arm"]) == (paired["prediction_id"], "2", "shadow")
        assert (row["outcome"], row["error"], row["shown"], row["decided_by"]) == ("answered", None, False, None)
        assert row["artifact_digest"] == files.manifest.artifact_digest
        assert row["replica"] == "replica-a-shadow"
        assert row["predict_us"] > 0
    assert len({row["prediction_id"] for row in rows} | {"a", "b"}) == 4
    assert rows[0]["served_at"] == rows[1]["served_at"] != theirs[0]["served_at"]


def test_feature_that_the_log_may_not_keep_is_scored_and_not_logged(make_replica: MakeReplica) -> None:
    """By the policy of the trial; nor is a review of the champion's answer one of the shadow's."""
    replica = make_replica()
    kept = LogPolicy(fields=(), dropped_features=(DroppedFeature(name="seats", because="So it is."),))
    place = load_definition(MODEL).vector.index("seats")
    written = policy().model_copy(update={"log": kept})
    mirrored = champion_rows("a", review="provisional")
    replica.shadows.follow(plan_of(), replica.files("2"), written, load_definition(MODEL)).offer(mirrored)
    replica.until_accounted(1)
    (row,) = replica.shadow_rows()
    vector = mirrored.column("features").flatten().to_numpy().reshape(1, -1)
    assert [row["score"]] == load_predictor(replica.files("2")).score(vector).tolist()
    assert (row["features"][place], row["review"]) == (None, None)
    assert row["features"].count(None) == 1


def test_row_decided_by_a_rule_keeps_its_decision(make_replica: MakeReplica) -> None:
    """What stands above the threshold decides the same whatever the shadow scores."""
    replica = make_replica()
    replica.follow().offer(champion_rows("a", decided_by="no-planes", decision="unsure"))
    replica.until_accounted(1)
    (row,) = replica.shadow_rows()
    assert (row["decision"], row["decided_by"]) == ("unsure", "no-planes")
    assert row["score"] is not None


def test_same_trial_keeps_its_process_and_another_takes_its_place(make_replica: MakeReplica) -> None:
    """A further revision of the plan changes nothing; another version or a new start of evidence does, at once."""
    replica = make_replica()
    first = replica.follow(plan_of("2", since_revision=5))
    first.offer(champion_rows("a"))
    replica.until_accounted(1)
    (process,) = replica.children()
    assert replica.follow(plan_of("2", since_revision=5)) is first
    began = time.monotonic()
    second = replica.follow(plan_of("2", since_revision=8))
    assert time.monotonic() - began < 0.2
    assert second is not first
    assert replica.report()["since_revision"] == 8
    until(lambda: not process.is_running())
    second.offer(champion_rows("b"))
    assert replica.until_accounted(1)["answered_rows"] == 1
    assert replica.report()["trouble"] == ""
    replica.follow(plan_of("1", since_revision=9))
    assert replica.report()["version"] == "1"


def test_changed_threshold_is_the_shadow_s_too(make_replica: MakeReplica) -> None:
    """Else a champion that decides by the new one makes a good shadow look like another product."""
    replica = make_replica()
    first = replica.follow()
    rules = policy()
    moved = rules.model_copy(update={"decision": rules.decision.model_copy(update={"threshold": 0.0})})
    second = replica.shadows.follow(plan_of(), replica.files("2"), moved, load_definition(MODEL))
    assert second is not first
    assert replica.shadows.follow(plan_of(), replica.files("2"), moved, load_definition(MODEL)) is second
    second.offer(champion_rows("a"))
    replica.until_accounted(1)
    assert [row["decision"] for row in replica.shadow_rows()] == [rules.decision.positive]


def test_ended_shadow_leaves_no_process_and_no_report(make_replica: MakeReplica) -> None:
    """What was answered is on record; what comes later is taken by nobody."""
    replica = make_replica()
    mirror = replica.follow()
    mirror.offer(champion_rows("a"))
    replica.until_accounted(1)
    (process,) = replica.children()
    began = time.monotonic()
    replica.shadows.end(MODEL)
    assert time.monotonic() - began < 0.2
    assert replica.shadows.report(MODEL) is None
    mirror.offer(champion_rows("b"))
    until(lambda: not process.is_running())
    assert [row["pairs_with"] for row in replica.shadow_rows()] == ["a"]
    assert not list((replica.root / "segments").glob("*-shadow*"))


def test_stop_before_the_shadow_is_ready_leaves_no_process(make_replica: MakeReplica) -> None:
    """A process that is still loading is ended too, and that is no trouble of the version."""
    replica = make_replica()
    replica.follow()
    until(replica.children)
    replica.shadows.stop()
    assert replica.children() == []


def test_report_has_every_figure(make_replica: MakeReplica) -> None:
    """The keys are what the ledger's report is made of."""
    replica = make_replica()
    replica.follow().offer(champion_rows("a"))
    report = replica.until_accounted(1)
    assert list(report) == [
        "version",
        "since_revision",
        "mirrored_rows",
        "dropped_rows",
        "answered_rows",
        "failed_rows",
        "crashes",
        "memory_mb",
        "p50_ms",
        "p99_ms",
        "trouble",
    ]
    assert 0 < report["p50_ms"] <= report["p99_ms"]
    assert 50 < report["memory_mb"] < 1000
    assert replica.shadows.report("another") is None


def test_version_made_for_other_features_is_not_started(make_replica: MakeReplica) -> None:
    """Nothing runs, every row is dropped, and the report says what differs."""
    replica = make_replica()
    files = replica.files("2")
    other = files.manifest.model_copy(update={"vector": (*files.manifest.vector[:-1], "moon_phase")})
    mirror = replica.shadows.follow(plan_of(), VersionFiles(files.folder, other), policy(), load_definition(MODEL))
    mirror.offer(champion_rows("a", "b"))
    report = replica.report()
    assert (report["mirrored_rows"], report["dropped_rows"]) == (2, 2)
    assert "version 2 of flight_delay was not started" in report["trouble"]
    assert "moon_phase" in report["trouble"]
    assert replica.children() == []


def test_plan_without_a_shadow_is_refused(make_replica: MakeReplica) -> None:
    """Following a plan that has none is a mistake of the caller."""
    replica = make_replica()
    plan = plan_of().end_shadow()
    with pytest.raises(ValueError, match="revision 10 of flight_delay has no shadow"):
        replica.shadows.follow(plan, replica.files("2"), policy(), load_definition(MODEL))


def test_process_runs_at_the_lowest_priority_on_one_thread(make_replica: MakeReplica) -> None:
    """Whatever the version does, everything else on the machine comes first; and nothing heavy is imported."""
    replica = make_replica()
    replica.follow().offer(champion_rows("a"))
    replica.until_accounted(1)
    (process,) = replica.children()
    assert process.nice() == 19
    assert os.getpgid(process.pid) == process.pid
    assert os.getsid(process.pid) == os.getsid(0)
    assert process.environ()["OMP_NUM_THREADS"] == "1"
    assert process.cmdline()[1:] == ["-m", "serving.shadow.process", MODEL, "2"]
    if sys.platform == "linux":
        assert os.sched_getscheduler(process.pid) == os.SCHED_IDLE
        assert process.ionice().ioclass == psutil.IOPRIO_CLASS_IDLE
        mapped = {part for found in process.memory_maps() for part in found.path.split("/")}
        assert not mapped & {"ray", "feast", "mlflow", "duckdb"}
