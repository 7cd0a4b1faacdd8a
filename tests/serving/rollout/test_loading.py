"""Loading in the background what may take long."""

import sys
import threading
import time
from contextlib import suppress

import pytest

from lifecycle.errors import ArtifactInvalid
from serving.rollout.loading import Loading, StillLoading

KEY = ("canary", "m", "2")


def test_result_is_loaded_once_and_kept() -> None:
    """The second asker gets what the first one waited for."""
    loading, loads = Loading(10.0), []

    def load() -> str:
        loads.append(1)
        return "it"

    assert loading.result(KEY, load) == loading.result(KEY, load) == "it"
    assert loads == [1]
    loading.keep("canary", "other", ())
    loading.keep("canary", "m", {"2"})
    loading.result(KEY, load)
    assert loads == [1]
    loading.keep("canary", "m", ())
    loading.result(KEY, load)
    assert loads == [1, 1]


def test_what_takes_long_is_still_loading_until_it_is_there() -> None:
    """Nobody waits for it longer than the patience."""
    loading, gate = Loading(0.01), threading.Event()

    def load() -> str:
        gate.wait(10)
        return "it"

    for _ in range(2):
        with pytest.raises(StillLoading, match="canary m 2 is being loaded"):
            loading.result(KEY, load)
    gate.set()
    deadline = time.monotonic() + 10
    found = None
    while found is None and time.monotonic() < deadline:
        with suppress(StillLoading):
            found = loading.result(KEY, load)
        time.sleep(0.01)
    assert found == "it"


def test_what_never_comes_has_failed_after_the_limit() -> None:
    """And is not started a second time, because the first still hangs."""
    loading, gate, loads = Loading(0.01, limit_seconds=0.03), threading.Event(), []

    def load() -> None:
        loads.append(1)
        gate.wait(10)

    with pytest.raises(StillLoading):
        loading.result(KEY, load)
    time.sleep(0.05)
    for _ in range(2):
        with pytest.raises(ArtifactInvalid, match=r"has not stood up within 0\.03 s"):
            loading.result(KEY, load)
    assert loads == [1]
    gate.set()


def test_failure_is_raised_and_the_next_asker_tries_again() -> None:
    """A registry that is back deserves another chance."""
    loading, loads = Loading(10.0), []

    def load() -> str:
        loads.append(1)
        if len(loads) == 1:
            raise OSError("no registry")
        return "it"

    with pytest.raises(OSError, match="no registry"):
        loading.result(KEY, load)
    assert loading.result(KEY, load) == "it"


def test_version_that_exits_while_loading_has_failed() -> None:
    """The process goes on."""
    with pytest.raises(ArtifactInvalid, match="SystemExit: 3"):
        Loading(10.0).result(KEY, lambda: sys.exit(3))
