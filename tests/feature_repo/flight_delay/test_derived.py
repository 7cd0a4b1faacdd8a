"""Derived features on New York's clock, with gaps where their sources have gaps."""

from datetime import datetime

import numpy as np
import pytest

from feature_repo.definition import Columns
from feature_repo.flight_delay.derived import DERIVED, derive


def _derived(departure: str, landed: str | None = None, built: float = 2003.0) -> dict[str, float]:
    leaves = datetime.fromisoformat(departure).timestamp()
    request: Columns = {
        "scheduled_departure_at": np.array([leaves]),
        "scheduled_arrival_at": np.array([leaves + 95 * 60]),
        "distance_miles": np.array([733.0]),
    }
    landed_at = np.nan if landed is None else datetime.fromisoformat(landed).timestamp()
    looked_up = {"last_landed_at_epoch": np.array([landed_at]), "built_year": np.array([built])}
    return {name: float(column[0]) for name, column in derive(request, looked_up).items()}


def test_every_declared_feature_is_derived_and_no_other() -> None:
    """The declaration is the list."""
    assert set(_derived("2013-04-01T14:30:00Z")) == {feature.name for feature in DERIVED}


def test_features_of_a_known_flight() -> None:
    """A Monday morning in April, a plane of 2003 that landed 90 minutes before the question."""
    assert _derived("2013-04-01T14:30:00Z", landed="2013-04-01T11:00:00Z") == {
        "departure_hour": 10.0,
        "departure_minute_of_day": 630.0,
        "departure_weekday": 0.0,
        "scheduled_minutes": 95.0,
        "route_miles": 733.0,
        "minutes_since_plane_landed": 90.0,
        "plane_age_years": 10.0,
    }


@pytest.mark.parametrize(
    ("departure", "hour", "weekday"),
    [
        ("2013-01-01T04:59:00Z", 23.0, 0.0),
        ("2013-03-10T06:59:00Z", 1.0, 6.0),
        ("2013-03-10T07:00:00Z", 3.0, 6.0),
        ("2013-11-03T06:30:00Z", 1.0, 6.0),
    ],
)
def test_clock_and_weekday_are_local(departure: str, hour: float, weekday: float) -> None:
    """New Year's Eve in New York is already January in UTC; summer time begins and ends on Sundays."""
    derived = _derived(departure)
    assert (derived["departure_hour"], derived["departure_weekday"]) == (hour, weekday)


def test_rest_of_a_plane_is_cut_off_at_seven_days() -> None:
    """Longer says nothing more about its next flight."""
    assert _derived("2013-04-01T14:30:00Z", landed="2013-03-20T11:00:00Z")["minutes_since_plane_landed"] == 7 * 24 * 60


def test_unknown_plane_leaves_its_features_missing() -> None:
    """The declared default stands in later, and is marked."""
    derived = _derived("2013-04-01T14:30:00Z", landed=None, built=np.nan)
    assert np.isnan(derived["minutes_since_plane_landed"])
    assert np.isnan(derived["plane_age_years"])
