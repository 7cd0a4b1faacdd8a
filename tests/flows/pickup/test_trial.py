"""The checking process as a whole: whatever a file does in it, the answer is a report."""

import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import skops.io
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from flows.pickup.report import Report
from flows.pickup.trial import try_version
from tests.flows.pickup.conftest import Ordering
from tests.flows.pickup.made import alter, frame, pipeline


class Runs:
    """Runs a function when it is unpickled."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        """Tell pickle to call it."""
        return self.call


def poison(version: Path, content: bytes) -> None:
    """Make a version's model a pickle."""

    def change(document: dict[str, Any]) -> None:
        document["flavors"]["sklearn"] |= {"pickled_model": "model.pkl", "serialization_format": "pickle"}

    alter(version, change)
    (version / "model.pkl").write_bytes(content)


def told(report: Report) -> str:
    """Return the one thing that a report finds wrong."""
    (problem,) = report.problems
    return f"{problem.check}: {problem.reason}"


def test_good_version_passes_in_a_process_of_its_own(version: Path, order: Ordering) -> None:
    """The report comes back whole."""
    report = try_version(order(version))
    assert report.problems == ()
    assert len(report.scores) == 8


def test_pickle_that_no_policy_allows_is_not_opened(version: Path, order: Ordering, tmp_path: Path) -> None:
    """The file that would have been made is not there."""
    poison(version, pickle.dumps(Runs(os.mkdir, str(tmp_path / "ran"))))
    assert "format: Its format is sklearn-pickle" in told(try_version(order(version)))
    assert not (tmp_path / "ran").exists()


def test_pickle_named_as_skops_is_not_opened(version: Path, order: Ordering, tmp_path: Path) -> None:
    """What MLmodel says of a file decides how it is read, and skops reads no pickles."""
    (version / "model.skops").write_bytes(pickle.dumps(Runs(os.mkdir, str(tmp_path / "ran"))))
    said = told(try_version(order(version)))
    assert "self-test: model.skops cannot be loaded as a skops file" in said
    assert "Log the model again with serialization_format='skops'" in said
    assert not (tmp_path / "ran").exists()


def test_skops_file_with_a_function_of_its_own_is_refused(version: Path, order: Ordering, tmp_path: Path) -> None:
    """A pipeline that would call os.system on its rows is never made."""
    evil = make_pipeline(FunctionTransformer(os.system), pipeline(frame()))
    skops.io.dump(evil, version / "model.skops")
    report = told(try_version(order(version)))
    assert "self-test: model.skops asks for types that are not trusted here" in report
    assert "posix.system" in report


def test_list_of_trusted_types_in_the_file_is_ignored(version: Path, order: Ordering) -> None:
    """MLmodel's own skops_trusted_types is what the file asks for, not what we trust."""
    evil = make_pipeline(FunctionTransformer(os.system), pipeline(frame()))
    skops.io.dump(evil, version / "model.skops")
    alter(version, lambda document: document["flavors"]["sklearn"].update(skops_trusted_types=["posix.system"]))
    assert "not trusted here" in told(try_version(order(version)))


def test_allowed_pickle_is_loaded(version: Path, order: Ordering) -> None:
    """A policy that names the format gets it."""
    poison(version, pickle.dumps(pipeline(frame())))
    report = try_version(order(version, allowed_formats=("sklearn-pickle",)))
    assert report.problems == ()
    assert report.format == "sklearn-pickle"


@pytest.mark.parametrize(
    ("poisoned", "words"),
    [
        (Runs(os.abort), "self-test: The process that loaded and scored it was ended by signal 6"),
        (Runs(os._exit, 3), "self-test: The process that loaded and scored it ended with code 3"),
        (Runs(os._exit, 0), "self-test: The process that loaded it ended without a report"),
        (Runs(bytearray, 3 << 30), "self-test: model.pkl cannot be unpickled: MemoryError"),
        (Runs(os.write, 1, b'{"problems": []}'), "self-test: model.pkl holds a int without predict_proba"),
        (Runs(eval, "1/0"), "self-test: model.pkl cannot be unpickled: ZeroDivisionError"),
    ],
)
def test_file_that_breaks_its_process_is_refused(version: Path, order: Ordering, poisoned: Runs, words: str) -> None:
    """A crash, an exit, a grab for memory, a forged report: each is a reason and no exception."""
    poison(version, pickle.dumps(poisoned))
    assert words in told(try_version(order(version, allowed_formats=("sklearn-pickle",))))


def _command(process: psutil.Process) -> str:
    try:
        return str(process.cmdline())
    except psutil.Error:
        # It ended meanwhile.
        return ""


def test_file_that_hangs_is_ended(version: Path, order: Ordering) -> None:
    """The time limit holds, and nothing is left running."""
    poison(version, pickle.dumps(Runs(time.sleep, 600)))
    started = time.monotonic()
    report = try_version(order(version, allowed_formats=("sklearn-pickle",), seconds=4))
    assert "self-test: The check was not done after 20 s" in told(report)
    assert time.monotonic() - started < 60
    assert not [child for child in psutil.Process().children(recursive=True) if "flows.pickup" in _command(child)]


def test_file_that_computes_without_end_is_ended(version: Path, order: Ordering) -> None:
    """A limit on computing tells a model that never comes to an end from a machine that is busy."""
    poison(version, pickle.dumps(Runs(eval, "sum(0 for _ in iter(int, 1))")))
    report = try_version(order(version, allowed_formats=("sklearn-pickle",), seconds=6))
    assert "self-test: Loading and scoring it took more than 6 s of computing" in told(report)


def test_file_that_grows_is_ended(version: Path, order: Ordering) -> None:
    """More memory than a shadow may have is a refusal that names both numbers."""
    grow = "__import__('time').sleep(60 * len(bytearray(b'x' * (500 << 20))) and 60)"
    poison(version, pickle.dumps(Runs(eval, grow)))
    report = told(try_version(order(version, allowed_formats=("sklearn-pickle",), memory_mb=600)))
    assert "MB of memory; allowed: 600" in report


def test_checking_process_sees_no_secrets(
    version: Path, order: Ordering, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What this process's environment holds does not reach a model."""
    monkeypatch.setenv("HOLDFAST_LEDGER_URL", "postgresql://holdfast:hunter2@db/ledger")
    write = f"open({str(tmp_path / 'seen')!r}, 'w').write(str(dict(__import__('os').environ)))"
    poison(version, pickle.dumps(Runs(eval, write)))
    try_version(order(version, allowed_formats=("sklearn-pickle",)))
    assert "hunter2" not in (tmp_path / "seen").read_text(encoding="utf-8")
