"""Work beside the ticks is begun when due, never twice at once, and its errors end nothing."""

import threading

import pytest
import structlog

from flows.supervision.background import Background

LONG = 3600.0


def test_work_is_done_at_first_and_then_only_when_due_or_its_time_has_come() -> None:
    """The first look comes at once."""
    done: list[int] = []
    work = Background("w", lambda: done.append(1), LONG)
    begun = []
    for due in (False, False, True):
        begun.append(work.heed(due=due))
        work.wait(10)
    assert (begun, len(done)) == ([True, False, True], 2)
    often = Background("w", lambda: done.append(1), 0.0)
    assert often.heed()
    often.wait(10)
    assert often.heed()


def test_work_under_way_is_not_begun_again_but_what_fell_due_is_done_after_it() -> None:
    """A ring during a look is heard by the next one."""
    go = threading.Event()
    work = Background("w", lambda: go.wait(30), LONG)
    assert work.heed()
    assert not work.heed(due=True)
    go.set()
    work.wait(10)
    assert work.heed()


def test_error_is_logged_once_and_the_work_goes_on() -> None:
    """A server that is away for an hour is one line."""

    def fail() -> None:
        raise RuntimeError("away")

    work = Background("w", fail, 0.0)
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            assert work.heed()
            work.wait(10)
    assert [(line["event"], line["because"]) for line in lines] == [("background_work_failed", "RuntimeError: away")]


def test_heed_returns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick never waits for it."""
    go = threading.Event()
    work = Background("w", lambda: go.wait(30), 0.0)
    for _ in range(3):
        work.heed(due=True)
    go.set()
