"""A shadow costs those it stands beside next to nothing, and does not outlive them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import pytest

from stores.prediction_log.shipper import adopt_orphans
from stores.prediction_log.table import PredictionLog
from tests.serving.shadow.conftest import ODD, Replica, champion_rows, until

MakeReplica = Callable[..., Replica]
ROOT = Path(__file__).parents[3]
GONE_SECONDS = 5
"""Some 10 ms on a free machine; ending takes a core too, which the lowest priority gets late on a busy one."""


@pytest.mark.parametrize("way", ["hang", "slow"])
def test_killed_parent_takes_the_shadow_with_it(tmp_path: Path, versions_root: Path, way: str) -> None:
    """Moments after SIGKILL the child is gone, even one that holds Python's lock for ever; its rows are not."""
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.serving.shadow.parent", str(versions_root), str(tmp_path / "log"), way],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
    finally:
        parent.kill()
        parent.communicate()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, seconds=GONE_SECONDS)
    adopt_orphans(tmp_path / "log")
    answered = [row["pairs_with"] for row in PredictionLog(tmp_path / "log").tail(10)]
    assert "a" in answered


def test_offer_costs_microseconds(make_replica: MakeReplica) -> None:
    """The user's path pays less than a ten-thousandth of a second, whether there is room or not."""
    replica = make_replica("slow")
    mirror = replica.follow(queue_batches=100)
    batch = champion_rows("a", "b", first_feature=ODD)
    took = []
    for _ in range(2_000):
        began = time.perf_counter()
        mirror.offer(batch)
        took.append(time.perf_counter() - began)
    assert median(took) < 20e-6
    assert replica.report()["mirrored_rows"] == 4_000


def test_suspended_process_is_a_hang(make_replica: MakeReplica) -> None:
    """A process that is stopped from outside had its time and did not answer."""
    replica = make_replica()
    mirror = replica.follow(batch_deadline_ms=300)
    mirror.offer(champion_rows("a"))
    replica.until_accounted(1)
    (process,) = replica.children()
    process.suspend()
    mirror.offer(champion_rows("b"))
    assert "hung: no answer after" in replica.until_accounted(2)["trouble"]


@pytest.mark.skipif(not psutil.LINUX, reason="other systems do not say how long a process waited for a core")
def test_process_without_a_core_is_no_hang(make_replica: MakeReplica) -> None:
    """While others use every core, a batch may take many deadlines: it is late, and the version is not to blame."""
    replica = make_replica("slow")
    mirror = replica.follow(batch_deadline_ms=150)
    mirror.offer(champion_rows("a"))
    replica.until_accounted(1)
    (child,) = replica.children()
    core = min(os.sched_getaffinity(0))
    for thread in child.threads():
        os.sched_setaffinity(thread.id, {core})
    hog = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        os.sched_setaffinity(hog.pid, {core})
        time.sleep(0.5)
        began = time.monotonic()
        mirror.offer(champion_rows("b", first_feature=ODD))
        report = replica.until_accounted(2)
        took = time.monotonic() - began
    finally:
        hog.kill()
        hog.wait()
    assert (report["answered_rows"], report["trouble"]) == (2, "")
    assert took > 2 * 0.15


def test_complaints_reach_the_replicas_log_and_end_somewhere(
    make_replica: MakeReplica, logged: list[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """What a version prints is a line of the structured log, up to a limit, and never on a terminal."""
    replica = make_replica("chatter")
    mirror = replica.follow(queue_batches=1000)
    for number in range(150):
        mirror.offer(champion_rows(f"{number}-a", f"{number}-b", first_feature=ODD))
    assert replica.until_accounted(300)["failed_rows"] == 300
    replica.shadows.stop()
    said = [line for line in logged if line["event"] == "shadow_said"]
    assert len(said) == 200
    assert {(line["line"], line["version"]) for line in said} == {('{"type":"Ack"}', "2")}
    assert [line["logged"] for line in logged if line["event"] == "shadow_says_more"] == [200]
    assert capfd.readouterr() == ("", "")


def test_shadow_that_cannot_log_is_no_trouble_of_the_version(make_replica: MakeReplica, tmp_path: Path) -> None:
    """Without a log there is no evidence: nothing is answered, and nothing is held against the version."""
    replica = make_replica()
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "segments").write_text("in the way", encoding="utf-8")
    replica.shadows._prediction_log = blocked
    mirror = replica.follow(queue_batches=1)
    mirror.offer(champion_rows("a"))
    until(replica.children)
    (process,) = replica.children()
    until(lambda: not process.is_running())
    mirror.offer(champion_rows("b"))
    report = replica.report()
    assert (report["mirrored_rows"], report["dropped_rows"], report["answered_rows"]) == (2, 1, 0)
    assert (report["trouble"], report["crashes"]) == ("", 0)


def test_killed_from_outside_is_a_crash(make_replica: MakeReplica) -> None:
    """Whoever killed it, the version did not stand."""
    replica = make_replica()
    replica.follow().offer(champion_rows("a"))
    replica.until_accounted(1)
    (process,) = replica.children()
    process.send_signal(signal.SIGKILL)
    until(lambda: replica.report()["crashes"])
    assert replica.report()["trouble"] == "the shadow of version 2 of flight_delay died of SIGKILL"
