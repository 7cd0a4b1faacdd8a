"""SQL over the log reads the log and nothing else."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from lifecycle.errors import InvalidInput
from stores.prediction_log.sql import run_sql

DATASET = ds.dataset(pa.table({"score": [0.1, 0.9], "served_at": pa.array([0, 1], pa.timestamp("us", "UTC"))}))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT max(score) AS top FROM predictions",
        "FROM predictions SELECT max(score) AS top;",
        "WITH best AS (SELECT max(score) AS top FROM predictions) SELECT top FROM best",
    ],
)
def test_select_in_any_form_is_answered(sql: str) -> None:
    """DuckDB's dialect is there in full, as long as it only reads."""
    assert run_sql(DATASET, sql).to_pylist() == [{"top": 0.9}]


def test_times_come_back_in_utc() -> None:
    """A machine's time zone must not shift what was logged."""
    (row,) = run_sql(DATASET, "SELECT max(served_at) AS at, hour(max(served_at)) AS hour FROM predictions").to_pylist()
    assert row == {"at": datetime(1970, 1, 1, 0, 0, 0, 1, UTC), "hour": 0}


@pytest.mark.parametrize(
    "sql",
    [
        "COPY predictions TO '{folder}/out.csv'",
        "CREATE TABLE mine AS SELECT 1",
        "DROP VIEW predictions",
        "ATTACH '{folder}/other.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "PRAGMA version",
        "SELECT 1; SELECT 2",
        "",
    ],
)
def test_anything_but_one_select_is_refused(sql: str, tmp_path: Path) -> None:
    """A question cannot change the log, write a file or load code."""
    with pytest.raises(InvalidInput, match="one SELECT statement at a time"):
        run_sql(DATASET, sql.format(folder=tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{folder}/secret')",
        "SELECT * FROM '{folder}/secret.csv'",
        "SELECT * FROM DATASET",
        "SELECT getenv('HOME')",
        "SELECT nothing FROM predictions",
        "SELEC",
    ],
)
def test_select_that_reaches_out_or_is_wrong_names_itself(sql: str, tmp_path: Path) -> None:
    """Files, Python variables and the environment are out of reach, and the message holds the query."""
    (tmp_path / "secret").write_text("x")
    with pytest.raises(InvalidInput, match="cannot be run"):
        run_sql(DATASET, sql.format(folder=tmp_path))
