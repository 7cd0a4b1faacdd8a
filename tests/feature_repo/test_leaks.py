"""The leak check passes honest views and names the value, entity and moment of a leaky one."""

from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd
import pytest

from feature_repo.definition import Events, View
from feature_repo.flight_delay.views import VIEWS
from feature_repo.leaks import find_leaks
from tests.feature_repo.conftest import Built
from tests.feature_repo.shops import NOON, SHOPS, sales


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_no_flight_view_needs_the_future(view: View, flights: Built) -> None:
    """The events reach three days beyond the rows; not one value changes without them."""
    assert find_leaks(view, flights.events, flights.end - timedelta(days=4), flights.end, moments=12) == ()


def test_counting_flights_from_their_scheduled_arrival_is_caught(flights: Built) -> None:
    """The classic leak: a flight that is still in the air, and late, already counts."""
    honest = VIEWS[0]
    arrivals = flights.events["schedules"].drop(columns=["known_at", "tail_number", "distance_miles"])

    def leaky(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
        outcomes = events["outcomes"].merge(
            arrivals, on=["carrier", "flight", "origin", "dest", "scheduled_departure_at"]
        )
        early = outcomes.drop(columns="known_at").rename(columns={"scheduled_arrival_at": "known_at"})
        return honest.build({"outcomes": early}, start, end)

    view = replace(honest, build=leaky)
    leaks = find_leaks(view, flights.events, flights.end - timedelta(days=1), flights.end, moments=12)
    assert leaks
    assert {leak.view for leak in leaks} == {"carrier_delays"}
    assert "built with hindsight and" in str(leaks[0])


def test_row_stamped_with_the_event_it_is_made_of_is_caught() -> None:
    """A row is for moments after its event was known; even one microsecond early is too early."""
    honest = SHOPS.views[0]

    def early(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
        rows = honest.build(events, start + timedelta(seconds=1), end + timedelta(seconds=1))
        return rows.assign(event_timestamp=rows["event_timestamp"] - timedelta(seconds=1))

    events = {"sales": sales(("north", NOON, 3.0))}
    leaks = find_leaks(replace(honest, build=early), events, NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    assert [(leak.entity, leak.feature, leak.with_hindsight) for leak in leaks] == [
        ("north", "last_amount", 3.0),
        ("north", "last_tax", 0.75),
    ]


def test_view_without_rows_has_no_leaks() -> None:
    """Nothing was built, so nothing leaked."""
    assert find_leaks(SHOPS.views[0], {"sales": sales()}, NOON, NOON + timedelta(hours=1)) == ()
