"""What follows from a request alone."""

from datetime import UTC, datetime

import numpy as np

from feature_repo.definition import Columns
from feature_repo.flight_delay.request import entity_keys, example_ids, prediction_moments, slices


def _request(*departures: str) -> Columns:
    many = len(departures)
    seconds = [datetime.fromisoformat(moment).timestamp() for moment in departures]
    return {
        "carrier": np.array(["UA"] * many, dtype=object),
        "flight": np.full(many, 1545, dtype=np.int64),
        "origin": np.array(["EWR"] * many, dtype=object),
        "dest": np.array(["IAH"] * many, dtype=object),
        "tail_number": np.array([None] * many, dtype=object),
        "scheduled_departure_at": np.array(seconds),
    }


def test_flight_is_asked_about_two_hours_before_departure() -> None:
    """In epoch seconds."""
    moment = prediction_moments(_request("2013-04-01T14:30:00Z"))[0]
    assert datetime.fromtimestamp(moment, UTC) == datetime(2013, 4, 1, 12, 30, tzinfo=UTC)


def test_example_id_names_the_flight() -> None:
    """Departure to the minute, carrier, number, origin, destination."""
    assert example_ids(_request("2013-04-01T14:30:00Z")).tolist() == ["2013-04-01T14:30Z/UA/1545/EWR/IAH"]


def test_entities_are_carrier_origin_route_and_plane() -> None:
    """A missing tail number stays missing."""
    keys = entity_keys(_request("2013-04-01T14:30:00Z"))
    assert {name: column[0] for name, column in keys.items()} == {
        "carrier": "UA",
        "origin": "EWR",
        "route": "EWR-IAH",
        "tail_number": None,
    }


def test_hour_block_is_by_new_yorks_clock() -> None:
    """Four hours behind UTC in April, five in January."""
    blocks = slices(_request("2013-04-01T09:59:00Z", "2013-04-01T10:00:00Z", "2013-01-01T10:59:00Z"))["hour_block"]
    assert blocks.tolist() == ["night 00-06", "morning 06-12", "night 00-06"]
