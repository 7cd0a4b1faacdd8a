"""`holdfast log` shows people and programs the prediction log."""

import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from console.log import app
from lifecycle.errors import InvalidInput
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import ship
from stores.settings import Settings

SERVED_AT = datetime(2013, 4, 1, 12, 30, 15, 250000, UTC)


@pytest.fixture
def logged(home: Settings) -> SegmentWriter:
    """A log with one prediction shipped and one pending."""
    writer = SegmentWriter(home.prediction_log, "replica")
    rows = [
        {
            "prediction_id": f"id-{number}",
            "model": "tiny",
            "version": "1",
            "served_at": SERVED_AT.replace(second=number),
            "features": [1.5, float("nan")],
            "score": 0.125,
        }
        for number in (1, 2)
    ]
    for row in rows:
        writer.append(pa.RecordBatch.from_pylist([row], schema=SCHEMA))
        if row is rows[0]:
            writer.seal()
            ship(home.prediction_log, writer.owned)
    return writer


def run(*arguments: str) -> None:
    """Run `holdfast log` as the command line does, errors passed on."""
    app(list(arguments), standalone_mode=False)


def test_tail_shows_the_newest_at_the_bottom(logged: SegmentWriter, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows that are not shipped yet are there too."""
    run("tail", "-n", "5")
    out = capsys.readouterr().out
    assert out.index("id-1") < out.index("id-2")
    assert "2013-04-01 12:30:02.250" in out


def test_tail_as_json_has_every_column(logged: SegmentWriter, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs get valid JSON: ISO times, and null where a number is not finite."""
    run("tail", "--rows", "1", "--json")
    (row,) = json.loads(capsys.readouterr().out)
    assert set(row) == set(SCHEMA.names)
    assert (row["prediction_id"], row["served_at"]) == ("id-2", "2013-04-01T12:30:02.250000+00:00")
    assert row["features"] == [1.5, None]


def test_tail_of_an_empty_log_says_so(home: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing served yet is no error."""
    run("tail")
    assert capsys.readouterr().out == "no rows\n"


def test_count_tells_shipped_from_pending(logged: SegmentWriter, capsys: pytest.CaptureFixture[str]) -> None:
    """A growing difference shows that shipping is stuck."""
    run("count")
    assert capsys.readouterr().out == "2 predictions, 1 of them shipped\n"


def test_count_of_one_model_as_json(logged: SegmentWriter, capsys: pytest.CaptureFixture[str]) -> None:
    """A model without predictions has none."""
    run("count", "--model", "other", "--json")
    assert json.loads(capsys.readouterr().out) == {"model": "other", "predictions": 0, "shipped": 0}


def test_query_prints_a_table(logged: SegmentWriter, capsys: pytest.CaptureFixture[str]) -> None:
    """The columns are the query's own."""
    run("query", "SELECT model, avg(score) AS mean FROM predictions GROUP BY 1")
    out = capsys.readouterr().out
    assert "mean" in out
    assert "0.125" in out


def test_wrong_query_is_an_error_that_names_it(logged: SegmentWriter) -> None:
    """The main command turns it into one line and exit code 1."""
    with pytest.raises(InvalidInput, match="nothing"):
        run("query", "SELECT nothing FROM predictions")


def test_attempt_that_nobody_was_shown_is_in_the_tail_and_not_counted(
    logged: SegmentWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shadow's row stands beside the prediction it was paired with."""
    row = {"prediction_id": "id-3", "model": "tiny", "served_at": SERVED_AT, "arm": "shadow", "shown": False}
    logged.append(pa.RecordBatch.from_pylist([row], schema=SCHEMA))
    run("count")
    assert capsys.readouterr().out == "2 predictions, 1 of them shipped\n"
    run("tail")
    assert "shadow" in capsys.readouterr().out
