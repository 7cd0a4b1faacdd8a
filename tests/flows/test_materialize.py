"""Materialize goes from where it stopped to what is known, and a run twice does nothing twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from feature_repo.feast_store import open_feature_store
from feature_repo.flight_delay import DEFINITION
from feature_repo.offline import offline_folder, read_offline
from flows.materialize import Materialized, choose_window, materialize
from lifecycle.errors import Conflict, EvidenceMissing, InvalidInput, NotFound
from stores.events import EventStore
from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.settings import Settings, settings

MODEL = DEFINITION.name
HOUR = timedelta(hours=1)
NOON = datetime(2013, 1, 3, 12, tzinfo=UTC)
VIEWS = [view.name for view in DEFINITION.views]


class Ground:
    """Stored events and a ledger, as `ingest` leaves them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.events = EventStore(settings.events)
        self.progress = Progress(open_ledger(settings.ledger_address))

    def ingest_until(self, end: datetime) -> None:
        """Store what became known since the last call, and say so."""
        start = self.progress.watermark(f"ingest:{MODEL}") or DEFINITION.source_range[0]
        for stream in DEFINITION.streams:
            self.events.merge(MODEL, stream.name, stream.key, stream.read(start, end))
        self.progress.advance(f"ingest:{MODEL}", end)

    def run(self, start: datetime | None = None, end: datetime | None = None) -> Materialized:
        """Run the flow's own function; Prefect around it is tested with the deployments."""
        done: tuple[Materialized, ...] = materialize.fn(MODEL, start, end)
        return done[0]

    def offline(self) -> dict[str, pd.DataFrame]:
        """Return all offline rows by view."""
        store = open_feature_store(DEFINITION, self.settings.features)
        days = [datetime(2012, 12, 31, tzinfo=UTC) + timedelta(days=n) for n in range(6)]
        return {
            view.name: pd.concat([read_offline(offline_folder(store, view), view, day.date()) for day in days])
            for view in DEFINITION.views
        }

    def online(self, feature: str, **entity: str) -> float | None:
        """Return one online feature."""
        store = open_feature_store(DEFINITION, self.settings.features)
        answer = store.get_online_features(features=[feature], entity_rows=[entity]).to_dict()
        value: float | None = answer[feature.split(":")[1]][0]
        return value


@pytest.fixture
def ground(home: Settings) -> Ground:
    """A ledger whose replay clock stands far ahead of the events."""
    standing = Ground(home)
    standing.progress.set_replay(datetime(2013, 2, 1, tzinfo=UTC))
    return standing


def test_first_run_builds_every_view_up_to_the_known_events(ground: Ground) -> None:
    """Offline rows, online rows and the watermark agree."""
    ground.ingest_until(NOON)
    done = ground.run()
    assert (done.start_at, done.end_at) == (DEFINITION.source_range[0], NOON)
    assert list(done.rows) == VIEWS
    assert {name: len(rows) for name, rows in ground.offline().items()} == done.rows
    assert min(done.rows.values()) > 0
    assert done.pushed["origin_delays"] == 3
    assert ground.progress.watermark(f"materialize:{MODEL}") == NOON


def test_second_run_finds_nothing_to_do(ground: Ground) -> None:
    """The watermark stands at the events' end."""
    ground.ingest_until(NOON)
    ground.run()
    assert ground.run() == Materialized(MODEL, NOON, NOON, rows={}, pushed={})


def test_hour_by_hour_equals_at_once(ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows that a replay leaves are those of one long run."""
    ground.ingest_until(NOON - 6 * HOUR)
    ground.run()
    for hours in range(5, -1, -1):
        ground.ingest_until(NOON - hours * HOUR)
        ground.run()
    stepped = ground.offline()
    last = ground.online("origin_delays:origin_count_24h", origin="EWR")
    ground.run(start=DEFINITION.source_range[0], end=NOON)
    for name, rows in ground.offline().items():
        pd.testing.assert_frame_equal(rows, stepped[name], check_exact=True)
    assert ground.online("origin_delays:origin_count_24h", origin="EWR") == last


def test_clock_that_stands_earlier_ends_the_window(ground: Ground) -> None:
    """Events may be taken in ahead of the replayed moment; features may not."""
    ground.ingest_until(NOON)
    ground.progress.set_replay(NOON - 3 * HOUR)
    assert ground.run().end_at == NOON - 3 * HOUR


def test_backfill_of_the_past_leaves_the_newest_online(ground: Ground) -> None:
    """Old rows are written on file and not pushed over newer ones; the watermark stays."""
    ground.ingest_until(NOON)
    ground.run()
    newest = ground.online("origin_delays:origin_count_24h", origin="EWR")
    done = ground.run(start=NOON - 30 * HOUR, end=NOON - 24 * HOUR)
    assert done.rows["origin_delays"] == 3 * 6 * 4
    assert done.pushed["origin_delays"] == 0
    assert ground.online("origin_delays:origin_count_24h", origin="EWR") == newest
    assert ground.progress.watermark(f"materialize:{MODEL}") == NOON


def test_window_that_leaves_a_gap_does_not_move_the_watermark(ground: Ground) -> None:
    """The next scheduled run fills the gap."""
    ground.ingest_until(NOON)
    ground.run(start=NOON - HOUR, end=NOON)
    assert ground.progress.watermark(f"materialize:{MODEL}") is None
    assert ground.run().start_at == DEFINITION.source_range[0]


def test_nothing_taken_in_yet_is_no_failure(ground: Ground) -> None:
    """A schedule may start before the first ingest."""
    assert ground.run().rows == {}


def test_stream_that_was_never_stored_leaves_its_views_out(ground: Ground) -> None:
    """The others are built."""
    for stream in DEFINITION.streams:
        if stream.name != "planes":
            rows = stream.read(DEFINITION.source_range[0], NOON)
            ground.events.merge(MODEL, stream.name, stream.key, rows)
    ground.progress.advance(f"ingest:{MODEL}", NOON)
    assert list(ground.run().rows) == [name for name in VIEWS if name != "plane_facts"]


def test_two_runs_at_once_are_kept_apart(ground: Ground, impatient: None) -> None:
    """The second says who is at it."""
    ground.ingest_until(NOON)
    with (
        Leases(open_ledger(ground.settings.ledger_address)).hold(f"materialize:{MODEL}"),
        pytest.raises(Conflict, match=MODEL),
    ):
        ground.run()


def test_window_beyond_the_known_events_is_refused() -> None:
    """Rows built there would be wrong later."""
    with pytest.raises(EvidenceMissing, match="run the flow ingest first"):
        choose_window(None, NOON + HOUR, standing=NOON, known_until=NOON, now=NOON)


def test_window_that_ends_before_it_starts_is_refused() -> None:
    """It is a slip, not an empty window."""
    with pytest.raises(InvalidInput, match="before it starts"):
        choose_window(NOON, NOON - HOUR, standing=NOON, known_until=NOON, now=NOON)


def test_time_without_a_zone_is_refused(ground: Ground) -> None:
    """Nobody knows which hour of which zone is meant."""
    naive = datetime(2013, 1, 3)  # noqa: DTZ001 - the point
    for start, end in ((naive, None), (None, naive)):
        with pytest.raises(InvalidInput, match="no time zone; write it as 2013-01-03T00:00:00Z"):
            ground.run(start, end)


def test_model_that_fails_leaves_the_others_their_turn(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A policy whose model was never written stops nothing but itself."""
    for name in ("absent", MODEL):
        (tmp_path / f"{name}.yaml").touch()
    monkeypatch.setenv("HOLDFAST_POLICIES", str(tmp_path))
    settings.cache_clear()
    ground.ingest_until(NOON)
    with pytest.raises(NotFound, match="absent"):
        materialize.fn()
    assert ground.progress.watermark(f"materialize:{MODEL}") == NOON
