"""The threads of a version on trial."""

import threading
import time
from collections.abc import Callable

from serving.rollout.workers import Job, Workers


def until(true: Callable[[], bool]) -> None:
    """Wait for something that is about to happen."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_threads_start_when_needed_and_end_when_idle() -> None:
    """A version that nobody asks any more leaves none behind."""
    workers = Workers("m 1", 2, idle_seconds=0.05)
    assert workers.threads() == 0
    done = threading.Event()
    assert workers.submit(Job(done.set))
    assert done.wait(10)
    assert workers.threads() == 1
    until(lambda: workers.threads() == 0)
    again = threading.Event()
    assert workers.submit(Job(again.set))
    assert again.wait(10)


def test_never_more_threads_than_allowed_and_every_job_runs() -> None:
    """What comes while all are busy waits its turn."""
    workers = Workers("m 1", 2)
    gate, ran = threading.Event(), list[int]()

    def run() -> None:
        gate.wait(10)
        ran.append(1)

    for _ in range(6):
        assert workers.submit(Job(run))
    assert workers.threads() == 2
    gate.set()
    until(lambda: len(ran) == 6)


def test_job_that_was_abandoned_before_its_turn_never_runs() -> None:
    """Nobody waits for it."""
    workers = Workers("m 1", 1)
    gate, late, after = threading.Event(), threading.Event(), threading.Event()
    workers.submit(Job(lambda: gate.wait(10)))
    waiting = Job(late.set)
    workers.submit(waiting)
    waiting.abandon()
    gate.set()
    workers.submit(Job(after.set))
    assert after.wait(10)
    assert not late.is_set()


def test_nothing_is_taken_while_all_threads_are_stuck() -> None:
    """One that comes back makes room again."""
    workers = Workers("m 1", 2)
    gate = threading.Event()
    jobs = [Job(lambda: gate.wait(10)) for _ in range(2)]
    for job in jobs:
        assert workers.submit(job)
    until(lambda: len(workers._running) == 2)
    jobs[0].abandon()
    assert not workers.stuck()
    jobs[1].abandon()
    assert workers.stuck()
    assert not workers.submit(Job(lambda: None))
    gate.set()
    until(lambda: not workers.stuck())
    assert workers.submit(Job(lambda: None))


def test_job_that_ends_its_thread_costs_none() -> None:
    """Whatever a library raises in there."""
    workers = Workers("m 1", 1)

    def interrupted() -> None:
        raise KeyboardInterrupt

    workers.submit(Job(interrupted))
    done = threading.Event()
    workers.submit(Job(done.set))
    assert done.wait(10)
    assert not workers.stuck()
