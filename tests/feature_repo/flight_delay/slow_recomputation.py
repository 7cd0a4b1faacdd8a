"""The flight features once more, by plain loops over plain records, as a person would check them by hand."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

Record = Mapping[str, Any]

GRIDS = {"carrier": timedelta(minutes=30), "origin": timedelta(minutes=15), "route": timedelta(hours=1)}
WINDOWS = {"3h": timedelta(hours=3), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
SECOND = timedelta(seconds=1)
MISSING = float("nan")


def route(record: Record) -> str:
    """Return a record's route."""
    return f"{record['origin']}-{record['dest']}"


KEYS: Mapping[str, Callable[[Record], str]] = {
    "carrier": lambda record: str(record["carrier"]),
    "origin": lambda record: str(record["origin"]),
    "route": route,
}


class SlowFeatures:
    """Everything that was ever known, grouped by entity only to save time."""

    def __init__(self, events: Mapping[str, pd.DataFrame]) -> None:
        landed = [record for record in _records(events["outcomes"]) if record["status"] == "landed"]
        self._landed = {entity: _grouped(landed, key) for entity, key in KEYS.items()}
        self._by_plane = _grouped(landed, lambda record: str(record["tail_number"]))
        self._weather = _grouped(_records(events["weather"]), lambda record: str(record["origin"]))
        self._planes = _grouped(_records(events["planes"]), lambda record: str(record["tail_number"]))

    def of_all(self, flights: pd.DataFrame) -> pd.DataFrame:
        """Return every looked-up feature of scheduled flights, row by row."""
        return pd.DataFrame([self.of(flight) for flight in _records(flights)])

    def of(self, flight: Record) -> dict[str, float]:
        """Return every looked-up feature of a flight two hours before it is to depart."""
        moment = flight["scheduled_departure_at"] - timedelta(hours=2)
        features: dict[str, float] = {}
        for entity, every in GRIDS.items():
            at = moment - (moment - datetime(2000, 1, 1, tzinfo=UTC)) % every
            features |= _delays(entity, self._landed[entity][KEYS[entity](flight)], at)
        plane = str(flight["tail_number"])
        weather = _latest(self._weather[flight["origin"]], moment, timedelta(hours=6))
        last = _latest(self._by_plane[plane], moment, timedelta(days=14))
        facts = _latest(self._planes[plane], moment, timedelta(days=7300))
        features |= {name: weather[name] if weather else MISSING for name in WEATHER}
        gust = features["wind_gust_mph"]
        features["wind_gust_mph"] = 0.0 if weather and gust != gust else gust  # noqa: PLR0124 - NaN differs from itself
        features["last_landed_at_epoch"] = last["landed_at"].timestamp() if last else MISSING
        features["last_arrival_delay_minutes"] = last["arrival_delay_minutes"] if last else MISSING
        features["built_year"] = facts["built_year"] if facts else MISSING
        features["seats"] = facts["seats"] if facts else MISSING
        return features


WEATHER = (
    "temperature_f",
    "humidity_percent",
    "wind_speed_mph",
    "wind_gust_mph",
    "precipitation_inches",
    "visibility_miles",
    "pressure_millibars",
)


def _delays(entity: str, landed: Iterable[Record], at: datetime) -> dict[str, float]:
    features: dict[str, float] = {}
    remembered = [record for record in landed if at - timedelta(days=8) <= record["known_at"] < at]
    for label, width in WINDOWS.items():
        delays = [r["arrival_delay_minutes"] for r in remembered if at - width <= r["known_at"] < at]
        late = [delay for delay in delays if delay > 15]
        features[f"{entity}_count_{label}"] = len(delays) if remembered else MISSING
        features[f"{entity}_mean_delay_{label}"] = sum(delays) / len(delays) if delays else MISSING
        features[f"{entity}_late_rate_{label}"] = len(late) / len(delays) if delays else MISSING
    return features


def _latest(records: Iterable[Record], moment: datetime, at_most: timedelta) -> Record | None:
    usable = [r for r in records if r["known_at"] + SECOND <= moment <= r["known_at"] + SECOND + at_most]
    return max(usable, key=lambda record: record["known_at"]) if usable else None


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    columns: dict[str, Any] = {}
    for name in map(str, frame.columns):
        # Plain datetimes compare ten times faster than pandas' own.
        columns[name] = pd.DatetimeIndex(frame[name]).to_pydatetime() if name.endswith("_at") else frame[name].tolist()
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _grouped(records: Iterable[Record], key: Callable[[Record], str]) -> defaultdict[str, list[Record]]:
    groups: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return groups
