"""Rows of the log as figures."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.metrics.figures import Figures
from serving.metrics.log_rows import COLUMNS, count_rows
from serving.metrics.served_families import (
    COST,
    MISSING,
    PREDICTIONS,
    SCORE,
    SCORES,
    SHADOW_ROWS,
    SHOWN,
    STAGE_DURATION,
    STAGE_SECONDS,
)
from tests.serving.metrics.conftest import batch, logged_row


def counted(*rows: dict[str, object]) -> Figures:
    """Return the figures of rows."""
    figures = Figures()
    count_rows(figures, pa.Table.from_batches([batch(*rows)]).select(COLUMNS))
    return figures


def test_rows_are_counted_by_version_arm_tier_and_outcome() -> None:
    """Each set of labels has its own count, and an attempt that failed has no score."""
    figures = counted(
        logged_row(),
        logged_row(),
        logged_row(version="2", arm="canary", outcome="failed", score=None, shown=False),
        logged_row(tier="rule"),
    )
    assert figures.of(PREDICTIONS) == {
        ("toy", "1", "champion", "model", "answered"): [2.0],
        ("toy", "2", "canary", "model", "failed"): [1.0],
        ("toy", "1", "champion", "rule", "answered"): [1.0],
    }
    assert set(figures.of(SCORE)) == {("toy", "1")}


def test_rows_older_than_a_column_are_what_every_row_was_then() -> None:
    """Before the log said so, each row was answered and shown."""
    figures = counted(logged_row(outcome=None, shown=None, tenant=None, arm=None))
    assert figures.of(PREDICTIONS) == {("toy", "1", "", "model", "answered"): [1.0]}
    assert figures.of(SHOWN) == {("toy",): [1.0]}


def test_stage_times_are_seconds_in_the_bucket_of_their_bound() -> None:
    """400 µs lie in the bucket up to 0.5 ms, and a time that is a bound belongs to it."""
    figures = counted(logged_row(), logged_row(predict_us=500))
    values = figures.of(STAGE_DURATION)["toy", "1", "model", "predict"]
    assert values[STAGE_SECONDS.index(0.0005)] == 2
    assert sum(values[:-1]) == 2
    assert values[-1] == pytest.approx(0.0009)
    assert {labels[-1] for labels in figures.of(STAGE_DURATION)} == {"decode", "queue", "features", "predict"}


def test_shadow_rows_are_told_apart_and_have_no_time_before_predict() -> None:
    """A shadow neither queues nor reads features, and what it was shown is no second request."""
    figures = counted(
        logged_row(version="3", arm="shadow", shown=False, defaulted=["plane_age_years"]),
        logged_row(version="3", arm="shadow", shown=False, outcome="failed", score=None),
    )
    assert figures.of(SHADOW_ROWS) == {("toy", "3", "answered"): [1.0], ("toy", "3", "failed"): [1.0]}
    assert {labels[-1] for labels in figures.of(STAGE_DURATION)} == {"predict"}
    assert figures.of(SHOWN) == {}
    assert figures.of(MISSING) == {}


def test_missing_features_are_counted_by_name_over_rows_that_were_shown() -> None:
    """A canary's failed attempt repeats the features of the row that was shown in its place."""
    figures = counted(
        logged_row(defaulted=["a", "b"]), logged_row(defaulted=["b"]), logged_row(defaulted=["a"], shown=False)
    )
    assert figures.of(MISSING) == {("toy", "a"): [1.0], ("toy", "b"): [2.0]}
    assert figures.of(SHOWN) == {("toy",): [2.0]}


def test_costs_are_added_up_by_tenant_where_there_are_any() -> None:
    """A row without a cost adds none."""
    figures = counted(logged_row(cost=0.25, tenant="a"), logged_row(cost=0.5, tenant="a"), logged_row(tenant="b"))
    assert figures.of(COST) == {("toy", "1", "model", "a"): [0.75]}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_every_score_is_in_one_bucket(scores: list[float]) -> None:
    """Cumulated up to a bound, a histogram counts what is not above it."""
    values = counted(*(logged_row(score=score) for score in scores)).of(SCORE)["toy", "1"]
    for bound, below in zip(SCORES, np.cumsum(values[:-2]), strict=True):
        assert below == sum(score <= bound for score in scores)
    assert values[-1] == pytest.approx(sum(scores))
