"""The event store keeps one standing event per key, whatever is delivered, in whatever order, however often."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.errors import InvalidInput, NotFound, Unavailable
from stores import events
from stores.events import EventStore

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
KEY = ("carrier", "flight")


def landings(*rows: tuple[str, int, float, datetime], note: str | None = None) -> pd.DataFrame:
    """Return events (carrier, flight, delay, known_at) with a text column."""
    frame = pd.DataFrame(list(rows), columns=["carrier", "flight", "delay", "known_at"])
    frame = frame.astype({"flight": "int64", "delay": "float64", "known_at": "datetime64[us, UTC]"})
    return frame.assign(note=pd.Series([note] * len(frame), dtype=object))


@pytest.fixture
def store(tmp_path: Path) -> EventStore:
    """An empty event store."""
    return EventStore(tmp_path)


def delays(store: EventStore, start: datetime | None = None, end: datetime | None = None) -> dict[int, float]:
    """Return the standing delay of each flight."""
    frame = store.load("tiny", "landings", start, end)
    return dict(zip(frame["flight"].tolist(), frame["delay"].tolist(), strict=True))


def merge(store: EventStore, *rows: tuple[str, int, float, datetime]) -> int:
    """Merge events and return how many were new."""
    return store.merge("tiny", "landings", KEY, landings(*rows))


def test_events_come_back_as_they_were_stored(store: EventStore) -> None:
    """Types and nulls survive, also of a text column that holds nothing but nulls."""
    stored = landings(("UA", 1, 4.0, NOON), ("UA", 2, np.nan, NOON + timedelta(hours=1)))
    assert store.merge("tiny", "landings", KEY, stored) == 2
    pd.testing.assert_frame_equal(store.load("tiny", "landings"), stored)
    assert store.merge("tiny", "landings", KEY, landings(("UA", 3, 0.0, NOON), note="gate")) == 1
    assert store.load("tiny", "landings")["note"].tolist() == [None, "gate", None]


def test_same_events_twice_change_nothing(store: EventStore) -> None:
    """A window may be taken in again, by this process or another."""
    rows = [("UA", 1, 4.0, NOON), ("B6", 1, 9.0, NOON)]
    assert merge(store, *rows) == 2
    version = DeltaTable(store._path("tiny", "landings")).version()
    assert merge(store, *rows) == 0
    assert merge(EventStore(store._root), *rows) == 0
    assert DeltaTable(store._path("tiny", "landings")).version() == version
    assert store.count("tiny", "landings") == 2


def test_later_known_event_replaces_an_earlier(store: EventStore) -> None:
    """A correction stands from the moment it became known."""
    merge(store, ("UA", 1, 4.0, NOON))
    assert merge(store, ("UA", 1, 40.0, NOON + timedelta(hours=2))) == 1
    assert delays(store) == {1: 40.0}
    assert store.count("tiny", "landings") == 1


def test_late_delivery_of_an_older_event_is_not_taken(store: EventStore) -> None:
    """What was known later stands, also when the older news arrives last."""
    merge(store, ("UA", 1, 40.0, NOON + timedelta(hours=2)))
    assert merge(store, ("UA", 1, 4.0, NOON), ("UA", 2, 5.0, NOON)) == 1
    assert delays(store) == {1: 40.0, 2: 5.0}


def test_first_of_two_tellings_known_at_once_stands(store: EventStore) -> None:
    """Two events of one key and moment cannot both be later."""
    merge(store, ("UA", 1, 4.0, NOON), ("UA", 1, 5.0, NOON))
    assert merge(store, ("UA", 1, 6.0, NOON)) == 0
    assert delays(store) == {1: 4.0}


def test_window_of_the_past_reads_the_same_after_a_correction(store: EventStore) -> None:
    """A training set of yesterday must not learn what became known today."""
    merge(store, ("UA", 1, 4.0, NOON))
    merge(store, ("UA", 1, 40.0, NOON + timedelta(hours=2)))
    assert delays(store, end=NOON + timedelta(hours=1)) == {1: 4.0}


def test_window_takes_its_start_and_leaves_its_end(store: EventStore) -> None:
    """Windows that touch neither share nor lose an event."""
    merge(store, *(("UA", hour, 0.0, NOON + timedelta(hours=hour)) for hour in range(4)))
    assert set(delays(store, NOON + timedelta(hours=1), NOON + timedelta(hours=3))) == {1, 2}


def test_empty_window_leaves_a_table_that_can_be_read(store: EventStore) -> None:
    """A night without events is no missing stream."""
    assert merge(store) == 0
    empty = store.load("tiny", "landings")
    assert empty.empty
    assert empty.dtypes.equals(landings().dtypes)
    assert merge(store, ("UA", 1, 4.0, NOON)) == 1
    assert merge(store) == 0


def test_stream_that_was_never_stored_is_said_to_be_missing(store: EventStore) -> None:
    """Only its count and its moments are known: there are none."""
    with pytest.raises(NotFound, match=r"no events of tiny\.landings"):
        store.load("tiny", "landings")
    assert store.count("tiny", "landings") == 0
    assert store.known_at("tiny", "landings").tolist() == []


def test_moments_are_sorted_epoch_seconds(store: EventStore) -> None:
    """Volume and freshness are judged by them."""
    merge(store, ("UA", 2, 0.0, NOON + timedelta(seconds=90)), ("UA", 1, 0.0, NOON))
    merge(store, ("UA", 3, 0.0, NOON + timedelta(seconds=1)))
    epoch = NOON.timestamp()
    assert store.known_at("tiny", "landings").tolist() == [epoch, epoch + 1, epoch + 90]
    assert store.known_at("tiny", "landings", NOON + timedelta(seconds=1), NOON + timedelta(seconds=90)).size == 1


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (landings(("UA", 1, 0.0, NOON)).drop(columns="flight"), "lack flight"),
        (landings(("UA", 1, 0.0, NOON)).assign(carrier=None), "nulls in carrier"),
        (landings(("UA", 1, 0.0, NOON)).assign(gate="A"), "the table has"),
        (landings(("UA", 1, 0.0, NOON)).assign(delay="late"), "do not fit their table"),
    ],
)
def test_frame_that_does_not_fit_is_refused(store: EventStore, frame: pd.DataFrame, said: str) -> None:
    """Nothing is coerced into a table, and nothing of the frame is stored."""
    merge(store, ("UA", 9, 0.0, NOON))
    with pytest.raises(InvalidInput, match=said):
        store.merge("tiny", "landings", KEY, frame)
    assert set(delays(store)) == {9}


def test_many_small_windows_stay_in_few_files(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hourly ingest must not make reading slower hour by hour; a reader of an older version is not disturbed."""
    monkeypatch.setattr(events, "FILES_BEFORE_COMPACTION", 4)
    merge(store, ("UA", 0, 0.0, NOON))
    reader = DeltaTable(store._path("tiny", "landings"))
    for hour in range(1, 12):
        merge(store, ("UA", hour, 0.0, NOON + timedelta(hours=hour)))
    assert len(DeltaTable(store._path("tiny", "landings")).file_uris()) <= 4
    assert store.count("tiny", "landings") == 12
    assert reader.to_pyarrow_dataset().count_rows() == 1


Delivery = tuple[int, int]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=4), min_size=1, max_size=5))
def test_any_order_of_delivery_ends_in_the_latest_known(
    tmp_path_factory: pytest.TempPathFactory, deliveries: Sequence[Sequence[Delivery]]
) -> None:
    """Whatever comes late, twice or out of order, each key ends with its latest known event."""
    store = EventStore(tmp_path_factory.mktemp("events"))
    for delivery in deliveries:
        merge(store, *(("UA", flight, float(hour), NOON + timedelta(hours=hour)) for flight, hour in delivery))
    latest: dict[int, float] = {}
    for flight, hour in (each for delivery in deliveries for each in delivery):
        latest[flight] = max(latest.get(flight, 0.0), float(hour))
    assert delays(store) == latest


def test_a_torn_file_is_a_store_that_cannot_be_read(store: EventStore, tmp_path: Path) -> None:
    """With its place, so that whoever reads many models goes on with the next."""
    merge(store, ("UA", 1, 5.0, NOON))
    (file,) = tmp_path.rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(Unavailable, match="cannot be read"):
        delays(store)
