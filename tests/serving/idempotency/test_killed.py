"""A replica is killed at each point of a keyed request, and another one is asked the same."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.conftest import MODEL
from tests.serving.idempotency.dying import KEY, POINTS, ROWS
from tests.serving.idempotency.replica import CHAMPION, TRIAL, logged, open_replica
from tests.serving.test_server import ROOT

pytestmark = pytest.mark.timeout(120)
LOGGED_BEFORE = ("after the append", "after shipping", "before the answer is stored", "after the answer is stored")
"""Points by which all rows are in the log: nothing may be scored again."""


def killed_at(home: Path, versions: Path, point: str) -> None:
    """Run a replica until it is killed at a point."""
    command = [sys.executable, "-m", "tests.serving.idempotency.dying", str(home), str(versions), point]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"TZ": "UTC"}, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


@pytest.mark.parametrize("point", POINTS)
def test_request_of_a_killed_replica_is_answered_once(tmp_path: Path, versions_root: Path, point: str) -> None:
    """Whoever is asked next answers, every row is in the log once, and what was logged is not scored again."""
    if point == "after taking over":
        killed_at(tmp_path, versions_root, "after the append")
    killed_at(tmp_path, versions_root, point)
    next_one = open_replica(tmp_path, versions_root, plan=TRIAL if point == "between two arms" else CHAMPION)
    answer, again = next_one.ask(KEY, ROWS), next_one.ask(KEY, ROWS)
    next_one.stop()
    assert answer.status_code == 200, answer.text
    assert again.content == answer.content
    assert again.headers["idempotent-replayed"] == "true"
    told = [one["prediction_id"] for one in answer.json()["predictions"]]
    assert len(set(told)) == len(ROWS)
    rows = [row for row in logged(tmp_path) if row["outcome"] == "answered" and row["shown"]]
    assert sorted(row["prediction_id"] for row in rows) == sorted(told)
    scored = sum(next_one.shelf.batches)
    if point in LOGGED_BEFORE or point == "after taking over":
        assert scored == 0
        assert answer.headers["idempotent-replayed"] == "true"
    elif point == "between two arms":
        assert 0 < scored < len(ROWS)
        assert {one["version"] for one in answer.json()["predictions"]} == {"1", "2"}
    else:
        assert scored == len(ROWS)


def test_failure_that_was_logged_stays_in_the_log_beside_the_answer(tmp_path: Path, versions_root: Path) -> None:
    """It is an attempt that failed, and has another id."""
    killed_at(tmp_path, versions_root, "after a failure is logged")
    next_one = open_replica(tmp_path, versions_root)
    told = next_one.ask(KEY, ROWS).json()["predictions"]
    next_one.stop()
    rows = logged(tmp_path)
    assert [row["outcome"] for row in rows].count("failed") == len(ROWS)
    assert not {row["prediction_id"] for row in rows if row["outcome"] == "failed"} & {
        one["prediction_id"] for one in told
    }
    assert {row["model"] for row in rows} == {MODEL}
