"""Who is asked about, and which of them teach."""

from datetime import UTC, datetime, timedelta

import pandas as pd

from feature_repo.flight_delay.contract import CONTRACT
from feature_repo.flight_delay.examples import examples, requests

LEAVES = pd.Timestamp("2013-04-01T14:30:00Z")
HOUR = timedelta(hours=1)
START, END = datetime(2013, 4, 1, 12, tzinfo=UTC), datetime(2013, 4, 1, 13, tzinfo=UTC)


def _schedule(flight: int, leaves: pd.Timestamp = LEAVES, announced: timedelta = 24 * HOUR) -> dict[str, object]:
    return {
        "carrier": "UA",
        "flight": flight,
        "origin": "EWR",
        "dest": "IAH",
        "tail_number": "N14228",
        "distance_miles": 1400.0,
        "scheduled_departure_at": leaves,
        "scheduled_arrival_at": leaves + 4 * HOUR,
        "known_at": leaves - announced,
    }


def _outcome(flight: int, delay: float | None, status: str = "landed") -> dict[str, object]:
    identity = {name: _schedule(flight)[name] for name in ("carrier", "flight", "origin", "dest")}
    plane = {"tail_number": "N99999", "scheduled_departure_at": LEAVES, "known_at": LEAVES + 5 * HOUR}
    return identity | plane | {"status": status, "arrival_delay_minutes": delay}


def _events(schedules: list[dict[str, object]], outcomes: list[dict[str, object]]) -> dict[str, pd.DataFrame]:
    frame = pd.DataFrame(outcomes).astype({"arrival_delay_minutes": "float64"})
    return {"schedules": pd.DataFrame(schedules), "outcomes": frame}


def test_requests_are_the_flights_whose_moment_is_in_the_window() -> None:
    """From `start` on, before `end`, in order of moment, with every contract field."""
    early, late = START + 2 * HOUR, END + 2 * HOUR
    schedules = [_schedule(n, pd.Timestamp(at)) for n, at in enumerate((late, LEAVES, early, early - HOUR), start=1)]
    rows = requests(_events(schedules, [_outcome(9, 0)]), START, END)
    assert rows["flight"].tolist() == [3, 2]
    assert rows["event_timestamp"].tolist() == [pd.Timestamp(START), LEAVES - 2 * HOUR]
    assert rows.columns.tolist() == ["example_id", "event_timestamp", *(field.name for field in CONTRACT.fields)]
    assert rows["example_id"].tolist()[1] == "2013-04-01T14:30Z/UA/2/EWR/IAH"


def test_flight_announced_after_its_moment_is_not_asked_about() -> None:
    """Nobody could have asked."""
    schedules = [_schedule(1, announced=HOUR), _schedule(2, announced=2 * HOUR)]
    assert requests(_events(schedules, [_outcome(9, 0)]), START, END)["flight"].tolist() == [2]


def test_label_is_arriving_more_than_fifteen_minutes_late() -> None:
    """Fifteen is on time; only landed flights have a label, known when they landed."""
    schedules = [_schedule(flight) for flight in range(1, 6)]
    outcomes = [_outcome(1, 15), _outcome(2, 16), _outcome(3, None, "cancelled"), _outcome(4, None, "diverted")]
    rows = examples(_events(schedules, outcomes), START, END)
    assert dict(zip(rows["flight"], rows["label"], strict=True)) == {1: 0, 2: 1}
    assert rows["label_known_at"].tolist() == [LEAVES + 5 * HOUR] * 2


def test_example_knows_the_scheduled_plane_not_the_one_that_flew() -> None:
    """The swap happens after the question."""
    rows = examples(_events([_schedule(1)], [_outcome(1, 0)]), START, END)
    assert rows["tail_number"].tolist() == ["N14228"]
