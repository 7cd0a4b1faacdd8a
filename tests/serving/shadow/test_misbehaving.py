"""Whatever a version in shadow does, its rows are accounted for, and the report says what it did."""

from collections.abc import Callable
from pathlib import Path

import pytest

from serving.children.memory import UNUSED_MB
from serving.shadow import keeper as keeper_module
from serving.shadow import session as session_module
from tests.serving.shadow.conftest import ODD, Replica, champion_rows, plan_of, until

MakeReplica = Callable[..., Replica]


@pytest.fixture(autouse=True)
def _quick_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause before a restart is not what these tests are about."""
    monkeypatch.setattr(keeper_module, "FIRST_BACKOFF_SECONDS", 0.05)


def misbehave(replica: Replica, **limits: float) -> str:
    """Mirror a good batch, an odd one and one behind it; return the trouble once all three are accounted for."""
    mirror = replica.follow(plan_of(), **limits)
    mirror.offer(champion_rows("a1", "a2"))
    replica.until_accounted(2)
    mirror.offer(champion_rows("b1", "b2", "b3", first_feature=ODD))
    mirror.offer(champion_rows("c1"))
    report = replica.until_accounted(6)
    assert report["mirrored_rows"] == 6
    return str(report["trouble"])


@pytest.mark.parametrize(
    ("way", "limits", "reason"),
    [
        ("crash", {}, "died of SIGSEGV, while it worked on 3 rows"),
        ("leave", {}, "ended by itself with exit code 3, while it worked on 3 rows; it last said: out of licences"),
        ("hang", {"batch_deadline_ms": 300}, "batch_deadline_ms allows 300, while it worked on 3 rows"),
        ("spin", {"batch_deadline_ms": 300}, "batch_deadline_ms allows 300, while it worked on 3 rows"),
    ],
)
def test_process_that_does_not_come_back_fails_the_batch_it_was_at(
    make_replica: MakeReplica, way: str, limits: dict[str, float], reason: str
) -> None:
    """That batch is logged as failed, what waited behind it is dropped, and a new process takes what comes next."""
    replica = make_replica(way)
    trouble = misbehave(replica, **limits)
    assert trouble.startswith("the shadow of version 2 of flight_delay ")
    assert reason in trouble
    report = replica.report()
    assert (report["answered_rows"], report["failed_rows"], report["dropped_rows"]) == (2, 3, 1)
    assert report["crashes"] == 1
    replica.follow().offer(champion_rows("d1"))
    report = replica.until_accounted(7)
    assert (report["answered_rows"], report["trouble"]) == (3, trouble)
    rows = replica.shadow_rows()
    assert [(row["pairs_with"], row["outcome"]) for row in rows] == [
        ("a1", "answered"),
        ("a2", "answered"),
        ("b1", "failed"),
        ("b2", "failed"),
        ("b3", "failed"),
        ("d1", "answered"),
    ]
    assert all(reason.partition(";")[0] in row["error"] for row in rows[2:5])
    assert all((row["score"], row["decision"], row["arm"]) == (None, None, "shadow") for row in rows[2:5])


def test_dead_process_leaves_its_rows_to_the_next(make_replica: MakeReplica) -> None:
    """Its segments are adopted by the process that follows it, with the replica still serving."""
    replica = make_replica("crash")
    misbehave(replica)
    replica.follow().offer(champion_rows("d1"))
    replica.until_accounted(7)
    until(lambda: len(list(replica.root.glob("segments/replica-a-shadow.*"))) == 1)
    assert replica.writer.owned.folder.exists()


def test_process_over_its_memory_is_ended(make_replica: MakeReplica) -> None:
    """A leak ends at the limit, by whoever finds it first, and the next process has nothing held against it."""
    replica = make_replica("leak")
    mirror = replica.follow(memory_limit_mb=700)
    for number in range(100):
        mirror.offer(champion_rows(str(number), first_feature=ODD))
    report = replica.until_accounted(100)
    assert "MB of memory; memory_limit_mb allows 700" in report["trouble"]
    assert 500 < report["memory_mb"] < 3000
    assert report["crashes"] == 1
    mirror.offer(champion_rows("good"))
    after = replica.until_accounted(101)
    assert after["answered_rows"] == report["answered_rows"] + 1
    assert after["crashes"] == 1


def test_process_that_takes_memory_faster_than_anybody_looks_is_stopped_by_the_system(
    make_replica: MakeReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keeper does not look at all here; the batch it died at has failed, and the reason speaks of memory."""
    monkeypatch.setattr(session_module, "SAMPLE_SECONDS", 3600.0)
    replica = make_replica("gorge")
    trouble = misbehave(replica, memory_limit_mb=700)
    assert "was given no more memory by the system at " in trouble
    assert "memory_limit_mb allows 700, of which not all can be used, while it worked on 3 rows" in trouble
    report = replica.report()
    assert 500 < report["memory_mb"] < 700 + UNUSED_MB
    assert (report["answered_rows"], report["failed_rows"], report["dropped_rows"], report["crashes"]) == (2, 3, 1, 1)
    assert {row["error"] for row in replica.shadow_rows() if row["outcome"] == "failed"} == {
        trouble.replace("the shadow of version 2 of flight_delay", "the shadow's process")
    }


def test_version_larger_than_its_memory_is_refused_for_that(
    make_replica: MakeReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is loaded, before it has answered anything."""
    monkeypatch.setattr(session_module, "SAMPLE_SECONDS", 3600.0)
    replica = make_replica("gorge-loading")
    replica.follow(memory_limit_mb=700).offer(champion_rows("a"))
    report = replica.until_accounted(1)
    assert "was given no more memory by the system" in report["trouble"]
    assert report["trouble"].endswith(", before it was ready")


def test_slow_version_only_drops(make_replica: MakeReplica) -> None:
    """What comes faster than it answers is dropped and counted, the queue stays bounded, and that is no trouble."""
    replica = make_replica("slow")
    mirror = replica.follow(queue_batches=10)
    mirror.offer(champion_rows("good"))
    replica.until_accounted(1)
    for number in range(300):
        mirror.offer(champion_rows(str(number), "x", first_feature=ODD))
        assert mirror.waiting_rows() <= 20
    during = replica.report()
    assert during["mirrored_rows"] == 601
    assert during["dropped_rows"] >= 400
    report = replica.until_accounted(601)
    assert report["answered_rows"] + report["dropped_rows"] == report["mirrored_rows"] == 601
    assert report["answered_rows"] >= 21
    assert (report["trouble"], report["crashes"], report["failed_rows"]) == ("", 0, 0)
    assert report["p99_ms"] >= 19
    assert len(replica.shadow_rows()) == report["answered_rows"]


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("fail", "RuntimeError: no tree for this carrier"),
        ("beyond", "ArtifactInvalid: a score is 1.5; allowed: probabilities, 0 to 1"),
        ("misshapen", "ArtifactInvalid: the scores have shape (1, 2); allowed: (1,)"),
        ("chatter", "ArtifactInvalid: a score is nan; allowed: probabilities, 0 to 1"),
    ],
)
def test_odd_row_fails_alone(make_replica: MakeReplica, way: str, reason: str) -> None:
    """A batch that fails is tried again row by row: its other rows are answered, and the process goes on."""
    replica = make_replica(way)
    good, odd = champion_rows("a", "c"), champion_rows("b", first_feature=ODD)
    mixed = type(good).from_pylist([*good.to_pylist(), *odd.to_pylist()], schema=good.schema)
    replica.follow().offer(mixed)
    report = replica.until_accounted(3)
    assert (report["answered_rows"], report["failed_rows"], report["crashes"], report["trouble"]) == (2, 1, 0, "")
    rows = replica.shadow_rows()
    assert [(row["pairs_with"], row["outcome"], row["error"]) for row in rows] == [
        ("a", "answered", None),
        ("b", "failed", reason),
        ("c", "answered", None),
    ]


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("broken", "could not be loaded: ArtifactInvalid: the file holds no model"),
        ("crash-loading", "died of SIGSEGV, before it was ready"),
    ],
)
def test_version_that_cannot_be_loaded_is_trouble(make_replica: MakeReplica, way: str, reason: str) -> None:
    """Nothing is answered, what waited is dropped, and it is tried again after a pause."""
    replica = make_replica(way)
    replica.follow().offer(champion_rows("a", "b"))
    report = replica.until_accounted(2)
    assert report["trouble"] == f"the shadow of version 2 of flight_delay {reason}"
    assert (report["dropped_rows"], report["answered_rows"], report["failed_rows"]) == (2, 0, 0)
    until(lambda: replica.report()["crashes"] >= 2)
    assert replica.shadow_rows() == []


def test_changed_model_file_is_not_loaded(
    make_replica: MakeReplica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a process starts from is the very file that was pinned, also after weeks."""
    replica = make_replica()
    files = replica.files("2")
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "model.ubj").write_bytes((files.folder / "model.ubj").read_bytes() + b" ")
    monkeypatch.setattr(replica, "files", lambda _: type(files)(copy, files.manifest))
    replica.follow(plan_of()).offer(champion_rows("a"))
    assert "its manifest says" in replica.until_accounted(1)["trouble"]


def test_machine_that_cannot_start_processes_is_no_trouble_of_the_version(make_replica: MakeReplica) -> None:
    """A missing program is the machine's fault: rows wait and drop, and nothing is held against the version."""
    replica = make_replica()
    replica.shadows._command = ("/nowhere/python",)
    mirror = replica.follow(queue_batches=1)
    for name in ("a", "b", "c"):
        mirror.offer(champion_rows(name))
    report = replica.report()
    assert (report["mirrored_rows"], report["dropped_rows"]) == (3, 2)
    assert (report["trouble"], report["crashes"]) == ("", 0)
