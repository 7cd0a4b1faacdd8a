"""A quarantined row comes back in when its suite lets it, or when a person forces it with a reason; once."""

import importlib
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from expectations.suite import Suite, load_suites
from feature_repo.definition import ModelDefinition, load_definition
from flows.ingest import take_in
from flows.readmit import readmit, settle
from flows.shelves import Shelves, open_shelves
from lifecycle.errors import Conflict, NotFound
from lifecycle.quarantine import RowState
from stores.quarantine import Move, QuarantinedRow
from stores.settings import Settings, settings

MODEL = "flight_delay"
STORM = (datetime(2013, 2, 12, 8, tzinfo=UTC), datetime(2013, 2, 12, 11, tzinfo=UTC))
NOW = datetime(2013, 2, 13, tzinfo=UTC)
IMPOSSIBLE_WIND = "expect_column_values_to_be_between(wind_speed_mph)"


@pytest.fixture
def definition() -> ModelDefinition:
    """The shipped model."""
    return load_definition(MODEL)


@pytest.fixture
def shelves(home: Settings, definition: ModelDefinition) -> Shelves:
    """Three hours of the storm taken in: one reading of 1,048 mph is in quarantine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("great_expectations")
    opened = open_shelves(home)
    opened.progress.set_replay(NOW)
    take_in(definition, load_suites(MODEL), opened, *STORM)
    return opened


def the_row(shelves: Shelves) -> QuarantinedRow:
    """Return the one quarantined row."""
    (row,) = shelves.quarantine.rows(MODEL)
    return row


def ask(shelves: Shelves, *, forced: bool) -> None:
    """Ask for the row as a person does."""
    step = Move(RowState.ASKED, "ada", "the anemometer was hit by hail", forced=forced, at=NOW)
    shelves.quarantine.move(MODEL, [the_row(shelves).entry_id], step)


def wider(limit: float) -> dict[str, Suite]:
    """Return the suites with another limit on the wind."""
    import great_expectations.expectations as gxe  # noqa: PLC0415 - takes seconds, and only this test needs it

    suites = dict(load_suites(MODEL))
    rows = (gxe.ExpectColumnValuesToBeBetween(column="wind_speed_mph", min_value=0, max_value=limit),)
    suites["weather"] = replace(suites["weather"], rows=rows)
    return suites


def readings(shelves: Shelves) -> int:
    """Return how many weather readings stand."""
    return shelves.events.count(MODEL, "weather")


def test_nothing_asked_settles_nothing(shelves: Shelves) -> None:
    """The scheduled run leaves waiting rows alone."""
    assert readmit.fn(MODEL) == ()
    assert (readings(shelves), the_row(shelves).state) == (8, RowState.WAITING)


def test_row_that_still_fails_stays_out_and_says_why(shelves: Shelves) -> None:
    """Asking is no way round the suite."""
    ask(shelves, forced=False)
    (settled,) = readmit.fn(MODEL)
    assert (settled.readmitted, settled.why) == (False, f"still fails {IMPOSSIBLE_WIND}")
    assert readings(shelves) == 8
    row = the_row(shelves)
    assert (row.state, row.moves[-1].why) == (RowState.WAITING, f"still fails {IMPOSSIBLE_WIND}")


def test_row_that_passes_the_suite_of_today_comes_in(shelves: Shelves, definition: ModelDefinition) -> None:
    """A limit that was wrong is changed in its file; then the rows it kept out are asked for."""
    ask(shelves, forced=False)
    (settled,) = settle(definition, wider(2000), shelves)
    assert settled.readmitted
    assert readings(shelves) == 9
    stored = shelves.events.load(MODEL, "weather")
    assert stored["wind_speed_mph"].max() == pytest.approx(1048.36058, abs=1e-12)


def test_forced_row_comes_in_with_who_and_why(shelves: Shelves) -> None:
    """The way in is kept beside the row."""
    ask(shelves, forced=True)
    (settled,) = readmit.fn(MODEL)
    assert settled.readmitted
    assert readings(shelves) == 9
    asked, done = the_row(shelves).moves
    assert (asked.who, asked.why, asked.forced, asked.at) == ("ada", "the anemometer was hit by hail", True, NOW)
    assert (done.state, done.who, done.why) == (
        RowState.READMITTED,
        "flow readmit",
        "forced; ada: the anemometer was hit by hail",
    )


def test_readmitted_twice_is_in_once(shelves: Shelves, definition: ModelDefinition) -> None:
    """A second run finds nothing to do, and the window taken in again quarantines nothing anew."""
    ask(shelves, forced=True)
    readmit.fn(MODEL)
    assert readmit.fn(MODEL) == ()
    take_in(definition, load_suites(MODEL), shelves, *STORM)
    assert (readings(shelves), the_row(shelves).state) == (9, RowState.READMITTED)


def test_run_that_died_after_storing_is_made_up_for(shelves: Shelves, definition: ModelDefinition) -> None:
    """The row is in, but nobody wrote it down: the next run does, and the row is still in once."""
    ask(shelves, forced=True)
    weather = next(stream for stream in definition.streams if stream.name == "weather")
    shelves.events.merge(MODEL, weather.name, weather.key, weather.read(*STORM))
    (settled,) = readmit.fn(MODEL)
    assert settled.readmitted
    assert (readings(shelves), the_row(shelves).state) == (9, RowState.READMITTED)


def test_forced_row_of_a_wrong_type_stays_out(shelves: Shelves, definition: ModelDefinition) -> None:
    """No reason turns a text into a number."""
    ask(shelves, forced=True)
    suites = dict(load_suites(MODEL))
    columns = dict(suites["weather"].columns)
    columns["wind_speed_mph"] = columns["origin"]
    suites["weather"] = replace(suites["weather"], columns=columns)
    (settled,) = settle(definition, suites, shelves)
    assert (settled.readmitted, settled.why) == (
        False,
        "still fails expect_column_values_to_be_in_type_list(wind_speed_mph)",
    )


def test_readmit_waits_for_an_ingest(shelves: Shelves, impatient: None) -> None:
    """Both write events of the model."""
    with shelves.leases.hold(f"ingest:{MODEL}"), pytest.raises(Conflict, match=MODEL):
        readmit.fn(MODEL)


def test_model_that_fails_leaves_the_others_their_turn(
    shelves: Shelves, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A policy whose model was never written keeps no row of another out."""
    for name in ("absent", MODEL):
        (tmp_path / f"{name}.yaml").touch()
    monkeypatch.setenv("HOLDFAST_POLICIES", str(tmp_path))
    settings.cache_clear()
    ask(shelves, forced=True)
    with pytest.raises(NotFound, match="absent"):
        readmit.fn()
    assert the_row(shelves).state is RowState.READMITTED
