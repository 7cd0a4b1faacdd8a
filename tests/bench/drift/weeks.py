"""Real weeks: January to March at New York's airports, each week beside all the others."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from feature_repo.flight_delay.source import read_outcomes, read_schedules, read_weather
from lifecycle.drift.comparing import compare
from lifecycle.drift.comparison import Comparison
from lifecycle.drift.deciding import decide_drift
from lifecycle.profile import Profile
from lifecycle.profile_counting import count_rows, count_texts
from lifecycle.profile_drawing import profile_labels, profile_numbers, profile_texts
from tests.bench.drift.windows import as_if_independent, bench_policy

START = datetime(2013, 1, 7, tzinfo=UTC)
WEEKS = 12
LATE_MINUTES = 15.0
WEATHER = ("temperature_f", "humidity_percent", "wind_speed_mph", "pressure_millibars", "visibility_miles")
NUMBERS = (*WEATHER, "distance_miles", "hour", "minutes_scheduled")
NAMES = ("origin", "carrier", "dest")
BROKEN_UNITS: Mapping[str, Callable[[pd.Series], pd.Series]] = {
    "temperature_f": lambda degrees: (degrees - 32.0) / 1.8,
    "pressure_millibars": lambda pressure: pressure / 33.8639,
    "wind_speed_mph": lambda speed: speed * 1.609,
    "distance_miles": lambda distance: distance * 1.609,
    "minutes_scheduled": lambda minutes: minutes / 60.0,
}


def flights() -> pd.DataFrame:
    """Return the flights that departed in these weeks with the weather of their hour, `week`, `day` and `late`."""
    end = START + timedelta(weeks=WEEKS)
    key = ["carrier", "flight", "origin", "dest", "scheduled_departure_at"]
    rows = read_schedules(START - timedelta(days=2), end)
    landed = read_outcomes(START, end + timedelta(days=2))[[*key, "arrival_delay_minutes"]]
    rows = rows[(rows["scheduled_departure_at"] >= START) & (rows["scheduled_departure_at"] < end)]
    rows = rows.merge(landed, on=key, how="left", validate="1:1")
    rows["observed_at"] = rows["scheduled_departure_at"].dt.floor("h")
    weather = read_weather(START, end)[["origin", "observed_at", *WEATHER]]
    rows = rows.merge(weather, on=["origin", "observed_at"], how="left", validate="m:1")
    since = rows["scheduled_departure_at"] - pd.Timestamp(START)
    lasts = rows["scheduled_arrival_at"] - rows["scheduled_departure_at"]
    return rows.assign(
        day=since.dt.days,
        week=since.dt.days // 7,
        hour=rows["scheduled_departure_at"].dt.hour,
        minutes_scheduled=lasts.dt.total_seconds() / 60.0,
        late=(rows["arrival_delay_minutes"] > LATE_MINUTES).astype(np.int64),
    )


def weeks_beside_the_others() -> Mapping[str, object]:
    """Return how many columns move in each week when rows count as independent, and when they come by days."""
    rows = flights()
    policy = bench_policy(0.02)
    alone: list[list[str]] = []
    by_days: list[list[str]] = []
    for week in range(WEEKS):
        compared = _compared(rows[rows["week"] != week], rows[rows["week"] == week])
        alone.append([move.column for move in decide_drift(as_if_independent(compared), policy)])
        by_days.append([move.column for move in decide_drift(compared, policy)])
    return {
        "flights": len(rows),
        "columns": len(NUMBERS) + len(NAMES) + 1,
        "as_if_independent": _summary(alone),
        "by_days": _summary(by_days),
    }


def days_until_named() -> Mapping[str, int | None]:
    """Return, of the latest week with one column turned from a day on, in how many such days it is first named.

    None where a whole week does not suffice. Each of these columns loses its unit: degrees, distance, minutes.
    """
    rows = flights()
    others, week = rows[rows["week"] != WEEKS - 1], rows[rows["week"] == WEEKS - 1]
    found: dict[str, int | None] = {}
    for column, turn in BROKEN_UNITS.items():
        found[column] = None
        for days in range(1, 8):
            broken = week.copy()
            late = broken["day"] >= 7 * WEEKS - days
            broken.loc[late, column] = turn(broken.loc[late, column])
            moves = decide_drift(_compared(others, broken), bench_policy(0.1))
            if any(move.column == column for move in moves):
                found[column] = days
                break
    return found


def _summary(moved: list[list[str]]) -> Mapping[str, object]:
    return {
        "weeks_with_a_move": sum(bool(names) for names in moved),
        "moves": sum(len(names) for names in moved),
        "weeks_by_column": dict(Counter(name for names in moved for name in set(names)).most_common()),
    }


def _compared(others: pd.DataFrame, week: pd.DataFrame) -> tuple[Comparison, ...]:
    baseline = _baseline(others)
    labels = None
    if baseline.labels is not None:
        labels = count_texts(baseline.labels, [str(late) for late in week["late"].tolist()])
    matrix = week[list(NUMBERS)].to_numpy(np.float32)
    window = count_rows(
        baseline,
        matrix=matrix,
        defaulted=np.isnan(matrix),
        vector=NUMBERS,
        texts={name: week[name].tolist() for name in NAMES},
        scores=np.zeros(0),
    ).model_copy(update={"labels": labels})
    return compare(baseline, window, days=week["day"].nunique())


def _baseline(rows: pd.DataFrame) -> Profile:
    days = rows["day"].to_numpy()
    matrix = rows[list(NUMBERS)].to_numpy(np.float32)
    return Profile(
        rows=len(rows),
        features={
            name: profile_numbers(matrix[:, column], np.isnan(matrix[:, column]), days)
            for column, name in enumerate(NUMBERS)
        },
        categories={name: profile_texts(rows[name].tolist(), days) for name in NAMES},
        score_rows=0,
        score=profile_numbers(np.zeros(0), np.zeros(0, dtype=bool)),
        days=rows["day"].nunique(),
        labels=profile_labels(rows["late"].to_numpy(), days),
    )
