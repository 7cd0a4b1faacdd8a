"""Attempts are counted by version and arm, shown ones apart."""

from pathlib import Path

import pyarrow as pa

from flows.playing.attempts import Attempts, count_attempts
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.table import PredictionLog
from tests.flows import toy


def log(root: Path, *rows: tuple[str, str, str | None, bool | None]) -> None:
    """Write rows of (version, arm, outcome, shown) to the log."""
    names = ("version", "arm", "outcome", "shown")
    filled = [
        {**dict.fromkeys(SCHEMA.names), **dict(zip(names, row, strict=True)), "model": "toy", "plan_revision": 1}
        for row in rows
    ]
    writer = SegmentWriter(root, "r1")
    writer.append(pa.RecordBatch.from_pylist(filled, schema=SCHEMA))
    writer.close()


def test_attempts_are_counted_by_version_and_arm(tmp_path: Path) -> None:
    """A failed attempt of the canary was shown to nobody; the champion's answer to the same request was."""
    log(
        tmp_path,
        ("1", "champion", "answered", True),
        ("1", "champion", "answered", True),
        ("2", "canary", "answered", True),
        ("2", "canary", "failed", False),
        ("2", "shadow", "answered", False),
    )
    counts = count_attempts(PredictionLog(tmp_path), "toy")
    assert counts.by_arm["2", "canary"] == Attempts(answered=1, failed=1)
    assert (counts.shown, counts.rows) == (3, 5)
    assert counts.told("1") == "champion 2"
    assert counts.told("2") == "canary 1 (1 failed), shadow 1"
    assert counts.told("3") == ""


def test_rows_from_before_there_were_trials_count_as_shown(tmp_path: Path) -> None:
    """They say nothing of outcome or of being shown."""
    log(tmp_path, ("1", "champion", None, None))
    counts = count_attempts(PredictionLog(tmp_path), "toy")
    assert (counts.by_arm["1", "champion"], counts.shown) == (Attempts(1, 0), 1)


def test_a_log_that_nobody_wrote_to_has_no_attempts(tmp_path: Path) -> None:
    """A play without traffic ends with a table as well."""
    assert count_attempts(PredictionLog(tmp_path), toy.DEFINITION.name).rows == 0
