"""What follows from a request alone: its moment, its id, the entities to look up, the slices it is in."""

import numpy as np

from feature_repo.definition import Columns
from feature_repo.local_time import local_seconds

LEAD_SECONDS = 2 * 3600
"""The question is asked two hours before scheduled departure."""

NEW_YORK = "America/New_York"
"""All three origins keep New York's clock."""

HOUR_BLOCKS = np.array(["night 00-06", "morning 06-12", "afternoon 12-18", "evening 18-24"], dtype=object)


def prediction_moments(request: Columns) -> np.ndarray:
    """Return when each row is asked for, (n_rows,) epoch seconds."""
    return request["scheduled_departure_at"] - LEAD_SECONDS


def example_ids(request: Columns) -> np.ndarray:
    """Return the flight's identity per row, such as 2013-04-01T14:30Z/UA/1545/EWR/IAH."""
    minutes = np.datetime_as_string(request["scheduled_departure_at"].astype("datetime64[s]"), unit="m")
    parts = zip(minutes, request["carrier"], request["flight"], request["origin"], request["dest"], strict=True)
    return np.array([f"{minute}Z/{carrier}/{flight}/{a}/{b}" for minute, carrier, flight, a, b in parts], dtype=object)


def entity_keys(request: Columns) -> Columns:
    """Return the join key per row of every entity; a missing tail number stays None."""
    return {
        "carrier": request["carrier"],
        "origin": request["origin"],
        "route": request["origin"] + "-" + request["dest"],
        "tail_number": request["tail_number"],
    }


def slices(request: Columns) -> Columns:
    """Return the groups to report quality by, (n_rows,) text each."""
    hours = local_seconds(request["scheduled_departure_at"], NEW_YORK) // 3600 % 24
    return {"carrier": request["carrier"], "origin": request["origin"], "hour_block": HOUR_BLOCKS[hours // 6]}
