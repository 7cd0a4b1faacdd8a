"""Features computed from the request and the looked-up rows, the same way offline and online."""

import numpy as np

from feature_repo.definition import Columns, Feature
from feature_repo.flight_delay.request import NEW_YORK, prediction_moments
from feature_repo.local_time import local_seconds
from lifecycle.recency import minutes_since

LONGEST_REST_MINUTES = 7 * 24 * 60.0
THURSDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""

DERIVED = (
    Feature("departure_hour", "Hour of scheduled departure on New York's clock, 0 to 23", 12.0),
    Feature("departure_minute_of_day", "Minute of scheduled departure on New York's clock, 0 to 1439", 720.0),
    Feature("departure_weekday", "Day of scheduled departure on New York's calendar, Monday 0 to Sunday 6", 3.0),
    Feature("scheduled_minutes", "Scheduled minutes from departure to arrival", 150.0),
    Feature("route_miles", "Distance between the two airports in miles", 1000.0),
    Feature(
        "minutes_since_plane_landed",
        "Minutes from the plane's last known landing to the prediction moment, at most 7 days",
        LONGEST_REST_MINUTES,
    ),
    Feature("plane_age_years", "Calendar years from the year the plane was built to the flight", 12.0),
)


def derive(request: Columns, looked_up: Columns) -> Columns:
    """Return the derived features, (n_rows,) float64 each; NaN where what they need was not found."""
    departure = request["scheduled_departure_at"]
    local = local_seconds(departure, NEW_YORK)
    minute_of_day = local // 60 % 1440
    year = local.astype("datetime64[s]").astype("datetime64[Y]").astype(np.int64) + 1970
    return {
        "departure_hour": (minute_of_day // 60).astype(np.float64),
        "departure_minute_of_day": minute_of_day.astype(np.float64),
        "departure_weekday": ((local // 86400 + THURSDAY) % 7).astype(np.float64),
        "scheduled_minutes": (request["scheduled_arrival_at"] - departure) / 60,
        "route_miles": request["distance_miles"],
        "minutes_since_plane_landed": minutes_since(
            looked_up["last_landed_at_epoch"], prediction_moments(request), at_most=LONGEST_REST_MINUTES
        ),
        "plane_age_years": year - looked_up["built_year"],
    }
