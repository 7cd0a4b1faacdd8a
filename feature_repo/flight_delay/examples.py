"""The flights that are asked about, two hours before scheduled departure, and those of them with a label."""

from datetime import datetime, timedelta

import pandas as pd

from feature_repo.columns import columns_of
from feature_repo.definition import Events
from feature_repo.flight_delay.contract import CONTRACT
from feature_repo.flight_delay.request import LEAD_SECONDS, example_ids

LEAD = timedelta(seconds=LEAD_SECONDS)
FLIGHT = ["carrier", "flight", "origin", "dest", "scheduled_departure_at"]
LATE_MINUTES = 15
"""A flight is late when it arrives more than this many minutes after schedule."""


def requests(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    """Return one row per scheduled flight whose prediction moment lies in [start, end), in order of moment.

    A flight that was announced only after its moment is nobody's question and has no row.
    """
    schedules = events["schedules"]
    moment = schedules["scheduled_departure_at"] - LEAD
    asked = schedules.loc[(moment >= start) & (moment < end) & (schedules["known_at"] <= moment)]
    rows = asked.sort_values(["scheduled_departure_at", *FLIGHT[:-1]], ignore_index=True)
    rows["event_timestamp"] = rows["scheduled_departure_at"] - LEAD
    rows["example_id"] = example_ids(columns_of(CONTRACT, rows))
    return rows[["example_id", "event_timestamp", *(field.name for field in CONTRACT.fields)]]


def examples(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    """Return the requests of [start, end) whose flight landed, with `label` and `label_known_at`.

    What is known of a flight comes from its schedule, never from its outcome: a plane may be swapped on the day.
    Cancelled and diverted flights have no label.
    """
    outcomes = events["outcomes"]
    landed = outcomes.loc[outcomes["arrival_delay_minutes"].notna() & (outcomes["status"] == "landed")]
    label = (landed["arrival_delay_minutes"] > LATE_MINUTES).astype("int64")
    known = landed[FLIGHT].assign(label=label, label_known_at=landed["known_at"])
    return requests(events, start, end).merge(known, on=FLIGHT, validate="one_to_one")
