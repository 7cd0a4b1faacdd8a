"""Which logged rows count, and that their counts are exact."""

import json
from datetime import timedelta

import duckdb
import pyarrow as pa
import pytest

from lifecycle.errors import InvalidInput
from stores.hours import Hour
from stores.prediction_log.counting import COUNTABLE, by_hour, count_logged, countable
from tests.stores.prediction_log.answered import FIRST, HOUR, VECTOR, baseline, batch_of, counted_by_hand, rows_of

SERVED = FIRST


def table_of(rows: list[dict[str, object]]) -> pa.Table:
    """Return rows as they are shipped, in several pieces."""
    return pa.Table.from_batches([batch_of(rows[:3]), batch_of(rows[3:])])


def test_rows_are_counted_exactly() -> None:
    """Every value falls where counting by hand puts it: unseen and missing ones, defaulted ones, text beyond ASCII."""
    rows = rows_of(200, FIRST, SERVED)
    assert count_logged(table_of(rows), baseline(), VECTOR) == counted_by_hand(rows)


def test_a_part_of_shipped_rows_is_counted_as_such() -> None:
    """Arrow's slices share their parent's values, of which only the slice counts."""
    rows = rows_of(50, FIRST, SERVED)
    assert count_logged(table_of(rows).slice(7, 20), baseline(), VECTOR) == counted_by_hand(rows[7:27])


def test_rows_older_than_some_columns_count() -> None:
    """There, every row was answered by the model and shown, and nothing says what was defaulted."""
    rows = rows_of(5, FIRST, SERVED, outcome=None, shown=None, tier=None, defaulted=None)
    found = countable(table_of(rows), len(VECTOR))
    assert count_logged(found, baseline(), VECTOR) == counted_by_hand([row | {"defaulted": []} for row in rows])


@pytest.mark.parametrize(
    "changes",
    [
        {"arm": "shadow", "shown": False},
        {"arm": "named"},
        {"arm": None},
        {"arm": "canary", "outcome": "failed", "score": None, "shown": False},
        {"outcome": "failed", "score": None},
        {"tier": "rule"},
        {"tier": "rule", "score": None},
        {"tier": "cache"},
        {"moment_at": None},
        {"features": [1.0, 2.0]},
        {"features": None},
    ],
    ids=str,
)
def test_rows_without_a_version_s_answer_to_a_client_are_left_out(changes: dict[str, object]) -> None:
    """Shadows, failures, fallbacks, rows of other code: in Arrow as in SQL."""
    wanted = [
        *(row for arm in ("champion", "control", "canary", "previous") for row in rows_of(2, FIRST, SERVED, arm=arm)),
        *rows_of(2, FIRST, SERVED, arm="champion", tier="small"),
    ]
    rows = table_of([*(row | changes for row in rows_of(3, FIRST, SERVED)), *wanted])
    kept = countable(rows, len(VECTOR))
    assert kept["prediction_id"].to_pylist() == [row["prediction_id"] for row in wanted]
    with duckdb.connect() as connection:
        connection.register("predictions", rows)
        found = connection.sql(f"SELECT prediction_id FROM predictions WHERE {COUNTABLE}", params=[len(VECTOR)])
        assert [name for (name,) in found.fetchall()] == kept["prediction_id"].to_pylist()


def test_rows_are_told_apart_by_version_and_hour() -> None:
    """Each row is in the hour of its moment, also before 1970, and the largest group comes first."""
    long_ago = FIRST.replace(year=1969)
    groups = {
        Hour("toy", "1", FIRST): rows_of(4, FIRST, SERVED),
        Hour("toy", "2", FIRST): rows_of(3, FIRST, SERVED, version="2"),
        Hour("toy", "1", FIRST + HOUR): rows_of(2, FIRST + HOUR, SERVED),
        Hour("toy", "1", long_ago): rows_of(1, long_ago, SERVED, moment_at=long_ago + timedelta(minutes=59)),
    }
    mixed = [
        row
        for rows in zip(*[[*rows, *[None] * (4 - len(rows))] for rows in groups.values()], strict=True)
        for row in rows
    ]
    found = list(by_hour(table_of([row for row in mixed if row is not None])))
    assert [hour for hour, _ in found] == list(groups)
    for hour, rows in found:
        assert sorted(rows["prediction_id"].to_pylist()) == sorted(str(row["prediction_id"]) for row in groups[hour])


def test_no_rows_have_no_hours_and_count_nothing() -> None:
    """Nothing is nothing."""
    empty = table_of([])
    assert list(by_hour(empty)) == []
    assert count_logged(empty, baseline(), VECTOR) == counted_by_hand([])


def test_a_request_that_is_no_row_of_the_contract_is_refused() -> None:
    """It cannot be told what it says."""
    rows = rows_of(3, FIRST, SERVED, request=json.dumps({"unit": 7}))
    with pytest.raises(InvalidInput, match="cannot be read for site, unit"):
        count_logged(table_of(rows), baseline(), VECTOR)
