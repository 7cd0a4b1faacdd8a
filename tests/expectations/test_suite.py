"""A batch is parted into good rows and bad, and refused as a whole where single rows are not what is wrong."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from expectations.suite import Suite, Window, examine, load_suites
from lifecycle.errors import NotFound
from lifecycle.verdict import Verdict

OF_LEVEL = "expect_column_values_to_be_between(level)"
KIND_OF_LEVEL = "expect_column_values_to_be_in_type_list(level)"


def changed(batch: pd.DataFrame, column: str, values: dict[int, Any]) -> pd.DataFrame:
    """Return the batch with single values of a column replaced, as a source that knows no types hands it over."""
    column_values = batch[column].astype(object)
    for place, value in values.items():
        column_values[place] = value
    return batch.assign(**{column: column_values})


def test_good_batch_comes_back_as_it_is(suite: Suite, batch: pd.DataFrame, window: Window) -> None:
    """Nothing is set aside, and no value or type changes."""
    found = examine(suite, batch, window)
    assert (found.accepted, found.reason, found.bad) == (True, "40 of 40 rows accepted, 0 set aside", {})
    pd.testing.assert_frame_equal(found.good, batch)


def test_single_bad_row_is_set_aside_with_what_it_failed(suite: Suite, batch: pd.DataFrame, window: Window) -> None:
    """The rest is accepted; positions are those of the batch."""
    found = examine(suite, batch.assign(level=batch["level"].replace(10.0, 10.5)), window)
    assert (found.accepted, found.bad) == (True, {39: (OF_LEVEL,)})
    assert found.good.index.tolist() == list(range(39))


def test_batch_with_an_index_of_its_own_is_counted_by_position(suite: Suite, batch: pd.DataFrame) -> None:
    """A source may have filtered its frame before."""
    moved = batch.assign(place=["sea", *batch["place"][1:]]).set_index(np.arange(100, 140))
    assert list(examine(suite, moved).bad) == [0]


def test_missing_and_undeclared_columns_refuse_the_batch(suite: Suite, batch: pd.DataFrame) -> None:
    """The reason names both."""
    found = examine(suite, batch.rename(columns={"level": "height"}))
    assert found.intake.verdict is Verdict.FAIL
    assert "unexpected height and missing level" in found.reason
    assert found.good.empty


def test_other_columns_pass_where_the_suite_lets_them(suite: Suite, batch: pd.DataFrame) -> None:
    """A training set carries its features beside the columns that are examined."""
    found = examine(replace(suite, other_columns=True), batch.assign(feature=1.0))
    assert found.accepted
    assert list(found.good) == list(batch)


@pytest.mark.parametrize("value", ["4.5", True, pd.Timestamp("2013-04-01")])
def test_single_value_of_a_wrong_type_is_set_aside(suite: Suite, batch: pd.DataFrame, value: object) -> None:
    """The other rows keep their numbers, and no text is read as one."""
    found = examine(suite, changed(batch, "level", {3: value}))
    assert (found.accepted, found.bad) == (True, {3: (KIND_OF_LEVEL,)})
    assert found.good["level"].dtype == np.float64
    assert found.good["level"].tolist() == batch["level"].drop(3).tolist()


@pytest.mark.parametrize(
    ("column", "value"),
    [("count", 10**30), ("count", 2**63), ("count", -(10**400)), ("level", 10**400), ("place", "\ud800"),
     ("place", b"\xff")],
)  # fmt: skip
def test_value_that_cannot_be_stored_is_set_aside(
    suite: Suite, batch: pd.DataFrame, column: str, value: object
) -> None:
    """An integer beyond 64 bits, a number beyond a float, a text that is no Unicode: the other rows come in."""
    found = examine(suite, changed(batch, column, {3: value}))
    assert (found.accepted, found.bad) == (True, {3: (f"expect_column_values_to_be_in_type_list({column})",)})
    pd.testing.assert_frame_equal(found.good, batch.drop(index=3))


def test_unsigned_integers_are_looked_at_before_they_are_narrowed(suite: Suite, batch: pd.DataFrame) -> None:
    """What is too large would come out negative."""
    numbers = batch["count"].astype("uint64")
    assert examine(suite, batch.assign(count=numbers)).bad == {}
    found = examine(suite, batch.assign(count=numbers.replace(7, 2**63)))
    assert list(found.bad) == [7]


def test_column_of_a_wrong_type_refuses_the_batch(suite: Suite, batch: pd.DataFrame) -> None:
    """Text is never read as numbers, however numeric it looks."""
    found = examine(suite, batch.assign(level=batch["level"].astype(str)))
    assert not found.accepted
    assert f"40 of 40 rows are bad, at most 3 may be (1 and 5.0%): {KIND_OF_LEVEL} (40)" in found.reason


def test_whole_numbers_with_a_gap_lose_only_the_gap(suite: Suite, batch: pd.DataFrame) -> None:
    """A gap turns the whole column into floats; the integers in it are still integers."""
    found = examine(suite, batch.assign(count=batch["count"].where(batch["count"] != 7)))
    assert found.bad == {7: ("expect_column_values_to_not_be_null(count)",)}
    assert found.good["count"].dtype == np.int64


def test_fraction_is_no_integer(suite: Suite, batch: pd.DataFrame) -> None:
    """It is not rounded."""
    found = examine(suite, batch.assign(count=batch["count"] + np.where(batch["count"] == 7, 0.5, 0)))
    assert found.bad == {7: ("expect_column_values_to_be_in_type_list(count)",)}


def test_time_without_a_zone_is_no_moment(suite: Suite, batch: pd.DataFrame) -> None:
    """Nobody knows when it was."""
    found = examine(suite, batch.assign(known_at=batch["known_at"].dt.tz_localize(None)))
    assert not found.accepted
    assert "expect_column_values_to_be_in_type_list(known_at) (40)" in found.reason


def test_event_from_outside_the_window_is_set_aside(suite: Suite, batch: pd.DataFrame, window: Window) -> None:
    """News from the future is an error of the source or a leak."""
    known_at = batch["known_at"].where(batch["count"] != 5, batch["known_at"] + timedelta(days=1))
    found = examine(suite, batch.assign(known_at=known_at), window)
    assert found.bad == {5: ("expect_column_values_to_be_between(known_at)",)}


def test_copies_that_agree_leave_one(suite: Suite, batch: pd.DataFrame) -> None:
    """An event told twice is one event."""
    found = examine(suite, pd.concat([batch, batch.iloc[[4]]]))
    assert found.bad == {40: ("expect_compound_columns_to_be_unique(place, known_at)",)}
    assert found.good["count"].tolist() == batch["count"].tolist()


def test_copies_that_disagree_are_both_set_aside(suite: Suite, batch: pd.DataFrame) -> None:
    """Nobody knows which of two levels at one place and time is true."""
    room = replace(suite, bad_rows=replace(suite.bad_rows, rows=2))
    found = examine(room, pd.concat([batch, batch.iloc[[4]].assign(level=5.0)]))
    assert (found.accepted, list(found.bad)) == (True, [4, 40])


def test_share_of_missing_values_refuses_the_batch(suite: Suite, batch: pd.DataFrame) -> None:
    """Half may be missing, and one row on top."""
    assert examine(suite, batch.assign(level=batch["level"].where(batch["count"] >= 21))).accepted
    found = examine(suite, batch.assign(level=batch["level"].where(batch["count"] >= 22)))
    assert "expect_column_values_to_not_be_null(level): 22 of 40 rows fail, at most 21 may" in found.reason


def test_expectation_that_raises_refuses_the_batch(suite: Suite, batch: pd.DataFrame) -> None:
    """A suite that names a column wrongly is an error, not a pass."""
    import great_expectations.expectations as gxe  # noqa: PLC0415 - takes seconds, and not every test needs it

    wrong = replace(suite, rows=(gxe.ExpectColumnValuesToBeBetween(column="depth", min_value=0),))
    found = examine(wrong, batch)
    assert found.intake.verdict is Verdict.ERROR
    assert "expect_column_values_to_be_between(depth) could not be examined" in found.reason


def test_empty_window_is_accepted_while_the_stream_is_fresh(suite: Suite, batch: pd.DataFrame, window: Window) -> None:
    """A quiet hour is no alarm; a quiet day is."""
    empty = batch.iloc[:0].astype(object)
    recent = replace(window, stored=np.array([(window.start - timedelta(hours=1)).timestamp()]))
    stale = replace(window, stored=np.array([(window.start - timedelta(hours=6)).timestamp()]))
    assert examine(suite, empty, recent).accepted
    assert examine(suite, empty, recent).good.dtypes.equals(batch.dtypes)
    found = examine(suite, empty, stale)
    assert "freshness: the newest event is 7.0 h old at the window's end, at most 6 h" in found.reason


def test_half_the_volume_of_the_day_is_refused(suite: Suite, batch: pd.DataFrame, window: Window) -> None:
    """Repeats do not make up for what is missing."""
    hours = window.start.timestamp() - 3600.0 * np.arange(15 * 24, 23, -1, dtype=np.float64)
    day = replace(window, start=window.end - timedelta(days=1), stored=hours)
    readings = batch.iloc[:12].assign(known_at=pd.date_range(day.start, periods=12, freq="2h").as_unit("us"))
    flooded = pd.concat([readings, readings])
    room = replace(suite, freshness_hours=None, bad_rows=replace(suite.bad_rows, rows=12))
    found = examine(room, flooded, day)
    assert "volume: 12 events in 24 h, at least 16 are required where 24 are expected" in found.reason


def test_model_without_suites_is_named() -> None:
    """The message says which file is missing."""
    with pytest.raises(NotFound, match=r"expectations/no_such_model\.py is missing"):
        load_suites("no_such_model")
