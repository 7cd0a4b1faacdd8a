"""A window comes in whole or not at all; what is wrong with single rows is set aside, with its reason."""

import importlib
import json
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from prefect.states import State
from prefect.testing.utilities import prefect_test_harness

from expectations.suite import load_suites
from feature_repo.definition import ModelDefinition, Stream, load_definition
from flows.ingest import choose_window, ingest, take_in
from flows.shelves import Shelves, open_shelves
from lifecycle.errors import Conflict, DataRejected, InvalidInput, NotFound
from lifecycle.quarantine import RowState
from stores.ledger.progress import Batch
from stores.settings import Settings, settings

MODEL = "flight_delay"
SEEDED_FROM = datetime(2013, 3, 15, tzinfo=UTC)
DAY = datetime(2013, 4, 1, tzinfo=UTC)
NEXT = DAY + timedelta(days=1)
MARK = f"ingest:{MODEL}"

Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with seventeen real days up to DAY taken in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("great_expectations")
    home = tmp_path_factory.mktemp("history") / "home"
    take_in(load_definition(MODEL), load_suites(MODEL), open_shelves(Settings(home=home)), SEEDED_FROM, DAY)
    return home


@pytest.fixture
def shelves(history: Path, home: Settings) -> Shelves:
    """A copy of the history of this test's own, where the settings look for it."""
    shutil.copytree(history, home.home)
    return open_shelves(home)


def changed(stream: str, change: Change) -> ModelDefinition:
    """Return the model's definition with one stream that hands over its batches changed."""
    definition = load_definition(MODEL)

    def corrupt(each: Stream) -> Stream:
        return replace(each, read=lambda start, end: change(each.read(start, end)))

    return replace(
        definition, streams=tuple(corrupt(each) if each.name == stream else each for each in definition.streams)
    )


def by_stream(batches: tuple[Batch, ...]) -> dict[str, tuple[int, int, int]]:
    """Return rows in, kept and quarantined of each stream."""
    return {batch.stream: (batch.rows_in, batch.rows_kept, batch.rows_quarantined) for batch in batches}


def counts(shelves: Shelves) -> dict[str, int]:
    """Return how many events of each stream stand."""
    return {stream.name: shelves.events.count(MODEL, stream.name) for stream in load_definition(MODEL).streams}


def take_in_day(shelves: Shelves, definition: ModelDefinition) -> tuple[Batch, ...]:
    """Take in the day after the history."""
    return take_in(definition, load_suites(MODEL), shelves, DAY, NEXT)


def failed_rows(shelves: Shelves) -> list[tuple[str, ...]]:
    """Return what each quarantined row failed."""
    return [row.failed for row in shelves.quarantine.rows(MODEL)]


def test_clean_day_is_stored_recorded_and_moves_the_watermark(shelves: Shelves) -> None:
    """A day of real flights comes in whole."""
    before = counts(shelves)
    batches = take_in_day(shelves, load_definition(MODEL))
    assert by_stream(batches) == {
        "schedules": (981, 981, 0),
        "outcomes": (954, 954, 0),
        "weather": (72, 72, 0),
        "planes": (0, 0, 0),
    }
    assert counts(shelves) == {name: before[name] + kept for name, (_, kept, _) in by_stream(batches).items()}
    assert shelves.progress.watermark(MARK) == NEXT
    assert all(batch.accepted for batch in shelves.progress.batches(MODEL, limit=4))


def test_same_day_twice_changes_nothing(shelves: Shelves) -> None:
    """Neither events nor quarantine; the ledger says that nothing was new."""
    definition = changed("weather", lambda frame: frame.assign(wind_speed_mph=frame["wind_speed_mph"].replace(0, 999)))
    first = take_in_day(shelves, definition)
    stood, aside = counts(shelves), len(shelves.quarantine.rows(MODEL))
    assert aside == by_stream(first)["weather"][2] > 0
    again = take_in_day(shelves, definition)
    assert {kept + quarantined for _, kept, quarantined in by_stream(again).values()} == {0}
    assert (counts(shelves), len(shelves.quarantine.rows(MODEL))) == (stood, aside)


def first_rows(count: int, column: str, value: object) -> Change:
    """Return a change that puts a value into the first rows of a column."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[column].astype(object)
        values.iloc[:count] = value
        return frame.assign(**{column: values})

    return change


def landed_before_departure(frame: pd.DataFrame) -> pd.DataFrame:
    """Return outcomes of which the first that landed did so before it left."""
    first = (frame["status"] == "landed") & ~frame.duplicated("status")
    return frame.assign(landed_at=frame["landed_at"].mask(first, frame["departed_at"] - timedelta(minutes=5)))


def known_tomorrow(frame: pd.DataFrame) -> pd.DataFrame:
    """Return events of which the last is news from after the window."""
    last = frame.index == len(frame) - 1
    return frame.assign(known_at=frame["known_at"].mask(last, frame["known_at"] + timedelta(days=2)))


@pytest.mark.parametrize(
    ("stream", "change", "rows", "failed"),
    [
        (
            "schedules",
            first_rows(2, "distance_miles", "far"),
            2,
            "expect_column_values_to_be_in_type_list(distance_miles)",
        ),
        ("schedules", first_rows(1, "flight", 10**30), 1, "expect_column_values_to_be_in_type_list(flight)"),
        (
            "schedules",
            first_rows(1, "distance_miles", 10**400),
            1,
            "expect_column_values_to_be_in_type_list(distance_miles)",
        ),
        ("schedules", first_rows(1, "dest", "\ud800"), 1, "expect_column_values_to_be_in_type_list(dest)"),
        ("schedules", first_rows(1, "flight", None), 1, "expect_column_values_to_not_be_null(flight)"),
        ("schedules", first_rows(20, "carrier", "ZZ"), 20, "expect_column_values_to_be_in_set(carrier)"),
        ("schedules", first_rows(1, "dest", "Houston"), 1, "expect_column_values_to_match_regex(dest)"),
        (
            "outcomes",
            landed_before_departure,
            1,
            "expect_column_pair_values_a_to_be_greater_than_b(landed_at, departed_at)",
        ),
        ("outcomes", known_tomorrow, 1, "expect_column_values_to_be_between(known_at)"),
        ("weather", first_rows(1, "wind_speed_mph", 1048.4), 1, "expect_column_values_to_be_between(wind_speed_mph)"),
    ],
    ids=[
        "wrong-type",
        "huge-integer",
        "huge-number",
        "no-unicode",
        "no-flight-number",
        "new-carrier",
        "no-airport",
        "impossible-time",
        "future",
        "impossible-wind",
    ],
)
def test_bad_rows_are_quarantined_and_the_rest_comes_in(
    shelves: Shelves, stream: str, change: Change, rows: int, failed: str
) -> None:
    """Each with its flight or hour, its window and the expectation it failed."""
    batches = by_stream(take_in_day(shelves, changed(stream, change)))
    rows_in, kept, quarantined = batches[stream]
    assert (kept, quarantined) == (rows_in - rows, rows)
    aside = shelves.quarantine.rows(MODEL)
    assert len(aside) == rows
    key = next(each.key for each in load_definition(MODEL).streams if each.name == stream)
    for row in aside:
        assert failed in row.failed
        assert (row.stream, row.start_at, row.end_at, row.state) == (stream, DAY, NEXT, RowState.WAITING)
        assert set(json.loads(row.key)) == set(key)
    assert shelves.progress.watermark(MARK) == NEXT


def test_repeated_rows_are_stored_once(shelves: Shelves) -> None:
    """Rows that a source tells twice are one event each; the second telling is set aside."""
    definition = changed("outcomes", lambda frame: pd.concat([frame, frame.head(30)], ignore_index=True))
    assert by_stream(take_in_day(shelves, definition))["outcomes"] == (984, 954, 30)
    assert {failed[0].partition("(")[0] for failed in failed_rows(shelves)} == {"expect_compound_columns_to_be_unique"}


@pytest.mark.parametrize(
    ("stream", "change", "said"),
    [
        (
            "schedules",
            lambda frame: frame.assign(distance_miles=frame["distance_miles"].astype(str)),
            "981 of 981 rows are bad, at most 52 may be (3 and 5.0%): expect_column_values_to_be_in_type_list(distance",
        ),
        (
            "schedules",
            first_rows(60, "carrier", "ZZ"),
            "60 of 981 rows are bad, at most 52 may be (3 and 5.0%): expect_column_values_to_be_in_set(carrier) (60)",
        ),
        (
            "outcomes",
            lambda frame: frame.drop(columns="arrival_delay_minutes"),
            "expect_table_columns_to_match_set(): found missing arrival_delay_minutes columns",
        ),
        (
            "outcomes",
            lambda frame: pd.concat([frame, frame], ignore_index=True),
            "954 of 1908 rows are bad, at most 98 may be",
        ),
        (
            "outcomes",
            lambda frame: frame.iloc[::2],
            "volume: 477 events in 24 h, at least",
        ),
        (
            "outcomes",
            first_rows(600, "tail_number", None),
            "expect_column_values_to_not_be_null(tail_number): 6",
        ),
        (
            "weather",
            lambda frame: frame.head(40),
            "volume: 40 events in 24 h, at least 47 are required where 72 are expected",
        ),
        (
            "outcomes",
            lambda frame: frame[frame["known_at"] < NEXT - timedelta(hours=7)],
            "freshness: the newest event is 7.",
        ),
    ],
    ids=[
        "wrong-type",
        "many-new-carriers",
        "missing-column",
        "all-duplicated",
        "half-the-volume",
        "tail-numbers-gone",
        "weather-thinned-out",
        "silent-since-the-afternoon",
    ],
)
def test_broken_batch_is_refused_and_what_stood_stands(
    shelves: Shelves, stream: str, change: Change, said: str
) -> None:
    """Nothing of the window is stored, of no stream; the reason has number and limit."""
    before = counts(shelves)
    with pytest.raises(DataRejected) as refusal:
        take_in_day(shelves, changed(stream, change))
    assert said in str(refusal.value)
    assert f"{stream}: " in str(refusal.value)
    assert "flight_delay from 2013-04-01 00:00 to 2013-04-02 00:00 UTC is refused" in str(refusal.value)
    assert counts(shelves) == before
    assert shelves.quarantine.rows(MODEL) == ()
    assert shelves.progress.watermark(MARK) == DAY
    recorded = {batch.stream: batch for batch in shelves.progress.batches(MODEL, limit=4)}
    assert not any(batch.accepted or batch.rows_kept for batch in recorded.values())
    assert said in recorded[stream].reason
    assert recorded["planes"].reason == f"held back, because {stream} was refused for the same window"


def test_hour_of_half_the_flights_is_no_alarm(shelves: Shelves) -> None:
    """An hour is judged with the day behind it."""
    definition = changed("outcomes", lambda frame: frame.iloc[::2])
    hour = DAY + timedelta(hours=1)
    assert len(take_in(definition, load_suites(MODEL), shelves, DAY, hour)) == 4


def corrected(minutes: float, known_at: datetime) -> Change:
    """Return a change that tells the first outcome of its window anew, as known later."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        told = load_definition(MODEL).streams[1].read(DAY, NEXT).head(1)
        return pd.concat(
            [frame, told.assign(arrival_delay_minutes=minutes, known_at=pd.Timestamp(known_at))], ignore_index=True
        )

    return change


def test_late_and_disordered_outcomes_never_overwrite_newer(shelves: Shelves) -> None:
    """The next day's correction stands, though the day itself comes in after it."""
    after = NEXT + timedelta(days=1)
    definition, suites = load_definition(MODEL), load_suites(MODEL)
    take_in(changed("outcomes", corrected(99.0, NEXT + timedelta(hours=3))), suites, shelves, NEXT, after)
    take_in(definition, suites, shelves, DAY, NEXT)
    flight = definition.streams[1].read(DAY, NEXT).head(1)
    stored = shelves.events.load(MODEL, "outcomes").merge(flight[list(definition.streams[1].key)])
    assert stored["arrival_delay_minutes"].tolist() == [99.0]


def test_window_after_a_gap_leaves_the_watermark(shelves: Shelves) -> None:
    """The scheduled run must still read the days between."""
    take_in(load_definition(MODEL), load_suites(MODEL), shelves, NEXT, NEXT + timedelta(days=1))
    assert shelves.progress.watermark(MARK) == DAY


def test_stream_without_a_suite_is_not_taken_in(shelves: Shelves) -> None:
    """Nothing enters unexamined."""
    suites = {name: suite for name, suite in load_suites(MODEL).items() if name != "weather"}
    with pytest.raises(NotFound, match="no suite for the stream 'weather'"):
        take_in(load_definition(MODEL), suites, shelves, DAY, NEXT)


def test_scheduled_window_runs_from_the_watermark_to_now(shelves: Shelves) -> None:
    """Now is the replay's, and never beyond what the source has."""
    definition = load_definition(MODEL)
    shelves.progress.set_replay(DAY + timedelta(minutes=90))
    assert choose_window(definition, shelves.progress, None, None) == (DAY, DAY + timedelta(minutes=90))
    shelves.progress.set_replay(DAY)
    assert choose_window(definition, shelves.progress, None, None) is None
    shelves.progress.set_replay(datetime(2026, 1, 1, tzinfo=UTC))
    assert choose_window(definition, shelves.progress, None, None) == (DAY, definition.source_range[1])


def test_time_without_a_zone_is_refused(shelves: Shelves) -> None:
    """Nobody knows which hour of which zone is meant."""
    with pytest.raises(InvalidInput, match="2013-04-01T00:00:00 has no time zone; write it as 2013-04-01T00:00:00Z"):
        choose_window(load_definition(MODEL), shelves.progress, datetime(2013, 4, 1), None)  # noqa: DTZ001 - the point


def test_window_that_ends_after_now_is_refused(shelves: Shelves) -> None:
    """A replay that took in its future would train on what it cannot know."""
    shelves.progress.set_replay(DAY + timedelta(hours=1))
    told = "the window ends at 2013-04-02T00:00:00+00:00, after now (2013-04-01T01:00:00+00:00); end it earlier"
    with pytest.raises(InvalidInput, match=re.escape(told)):
        ingest.fn(MODEL, DAY, NEXT)
    assert shelves.progress.watermark(MARK) == DAY


def test_model_that_fails_leaves_the_others_their_turn(
    shelves: Shelves, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A policy whose model was never written stops nothing but itself."""
    for name in ("absent", MODEL):
        (tmp_path / f"{name}.yaml").touch()
    monkeypatch.setenv("HOLDFAST_POLICIES", str(tmp_path))
    settings.cache_clear()
    with pytest.raises(NotFound, match="absent"):
        ingest.fn(None, DAY, NEXT)
    assert shelves.progress.watermark(MARK) == NEXT


def test_second_ingest_waits_for_the_first(shelves: Shelves, impatient: None) -> None:
    """Two runs over one model would count each other's rows."""
    with shelves.leases.hold(MARK), pytest.raises(Conflict, match=MARK):
        ingest.fn(MODEL, DAY, NEXT)


@pytest.fixture(scope="module")
def prefect_server() -> Iterator[None]:
    """A Prefect server of this module's own."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        with prefect_test_harness(server_startup_timeout=120):
            yield


def test_refused_batch_fails_the_flow_run_with_the_reason(shelves: Shelves, prefect_server: None) -> None:
    """The year's weather ends a day before its flights: on the last day Prefect shows why nothing came in."""
    state: State[object] = ingest(
        MODEL, datetime(2013, 12, 31, tzinfo=UTC), datetime(2014, 1, 1, tzinfo=UTC), return_state=True
    )
    assert state.is_failed()
    assert "weather: freshness: the newest event is 24.0 h old" in str(state.message)
    assert shelves.progress.watermark(MARK) == DAY
