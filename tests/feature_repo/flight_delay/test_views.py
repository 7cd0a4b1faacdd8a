"""The flight views on the real flights: right by hand, right in pieces, the same online and offline."""

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_repo.columns import columns_of
from feature_repo.definition import View
from feature_repo.feast_store import open_feature_store
from feature_repo.flight_delay import DEFINITION
from feature_repo.flight_delay.views import VIEWS
from feature_repo.online import OnlineFeatures
from feature_repo.push import push_latest
from feature_repo.training_set import historical_features, training_set
from tests.feature_repo.conftest import Built
from tests.feature_repo.flight_delay.slow_recomputation import SlowFeatures

HOUR = timedelta(hours=1)
SAMPLE = 500


def _build_knowing_only(view: View, flights: Built, start: datetime, end: datetime) -> pd.DataFrame:
    def needed(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.loc[(frame["known_at"] >= start - view.lookback) & (frame["known_at"] < end)]

    return view.build({name: needed(frame) for name, frame in flights.events.items()}, start, end)


def test_sampled_historical_rows_equal_a_slow_obvious_recomputation(flights: Built) -> None:
    """500 flights, every looked-up feature, to the last bit."""
    examples = DEFINITION.examples(flights.events, flights.start, flights.end)
    chosen = np.sort(np.random.default_rng(7).choice(len(examples), SAMPLE, replace=False))
    sample = examples.iloc[chosen].reset_index(drop=True)
    looked_up = historical_features(flights.store, DEFINITION, columns_of(DEFINITION.contract, sample))
    expected = SlowFeatures(flights.events).of_all(sample)
    assert set(expected) == set(looked_up)
    for name, column in looked_up.items():
        np.testing.assert_array_equal(column, expected[name].to_numpy(np.float64), err_msg=name)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.lists(st.integers(1, 36 * 60 - 1), max_size=5, unique=True).map(sorted))
def test_rows_do_not_depend_on_how_time_was_cut(view: View, minutes: list[int], flights: Built) -> None:
    """A day and a half at once, with all history, equals the same in pieces that load only what they need."""
    start, end = flights.end - 36 * HOUR, flights.end
    whole = view.build(flights.events, start, end)
    edges = [start, *(start + timedelta(minutes=minute) for minute in minutes), end]
    pieces = pd.concat([_build_knowing_only(view, flights, *edge) for edge in pairwise(edges)])
    order = ["event_timestamp", "entity"]
    pd.testing.assert_frame_equal(
        pieces.sort_values(order, ignore_index=True), whole.sort_values(order, ignore_index=True), check_exact=True
    )


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_an_entity_has_one_row_per_moment(view: View, flights: Built) -> None:
    """So that "the latest row" is one row."""
    rows = flights.rows[view.name]
    assert not rows.empty
    assert not rows.duplicated(["entity", "event_timestamp"]).any()
    assert rows["event_timestamp"].between(flights.start, flights.end, inclusive="right").all()


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_an_hour_without_events_builds_no_rows_and_no_error(view: View, flights: Built) -> None:
    """A quiet hour at the very beginning."""
    nothing = {name: frame.iloc[:0] for name, frame in flights.events.items()}
    rows = view.build(nothing, flights.end, flights.end + HOUR)
    assert rows.columns.tolist() == ["entity", "event_timestamp", *(feature.name for feature in view.features)]
    assert rows.empty
    assert isinstance(rows["event_timestamp"].dtype, pd.DatetimeTZDtype)


def test_online_features_equal_offline_features(flights: Built, tmp_path: Path) -> None:
    """What is served after a push is what training sees for the same moment, feature by feature and bit by bit."""
    store = open_feature_store(DEFINITION, tmp_path)
    for view in VIEWS:
        push_latest(store, view, flights.rows[view.name])
    asked = DEFINITION.requests(flights.events, flights.end + timedelta(seconds=1), flights.end + 12 * HOUR)
    request = columns_of(DEFINITION.contract, asked)
    found = OnlineFeatures(store, DEFINITION, cache_seconds=0, monotonic=lambda: 0.0).read(request)
    online = dict(found.values)
    offline = historical_features(flights.store, DEFINITION, request)
    assert len(asked) > 100
    for name, column in offline.items():
        np.testing.assert_array_equal(online[name], column, err_msg=name)


def test_training_set_of_real_flights_is_complete(flights: Built) -> None:
    """Every landed flight has its vector; only what nobody knew yet is defaulted."""
    examples = DEFINITION.examples(flights.events, flights.end - timedelta(days=5), flights.end)
    got = training_set(flights.store, DEFINITION, examples)
    assert got.assembled.matrix.shape == (len(examples), len(DEFINITION.vector))
    assert np.isfinite(got.assembled.matrix).all()
    missing = dict(zip(DEFINITION.vector, got.assembled.defaulted.mean(axis=0), strict=True))
    assert missing["carrier_late_rate_7d"] == 0
    assert missing["temperature_f"] == 0
    assert missing["last_arrival_delay_minutes"] < 0.25
