"""Daily files of feature rows are replaced whole and never grow by repetition."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_repo.offline import read_offline, write_offline
from tests.feature_repo.shops import NOON, SHOPS, sales

VIEW = SHOPS.views[0]
DAYS = [datetime(2024, 5, day, tzinfo=UTC).date() for day in (1, 2, 3)]


def _events() -> dict[str, pd.DataFrame]:
    moments = [NOON + timedelta(hours=5 * step) for step in range(8)]
    return {"sales": sales(*((shop, moment, float(n)) for n, moment in enumerate(moments) for shop in ("n", "s")))}


def _write(folder: Path, start: datetime, end: datetime) -> int:
    return write_offline(folder, VIEW, VIEW.build(_events(), start, end), start, end)


def _content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.glob("*.parquet"))}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 47), max_size=4, unique=True).map(sorted))
def test_any_cutting_of_the_window_gives_the_same_files(
    cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A window at once, and the same window in pieces, end in the same bytes."""
    whole, pieces = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("pieces")
    end = NOON + timedelta(hours=48)
    _write(whole, NOON, end)
    edges = [NOON, *(NOON + timedelta(hours=cut) for cut in cuts), end]
    for start, stop in pairwise(edges):
        _write(pieces, start, stop)
    assert _content(pieces) == _content(whole)


def test_writing_a_window_twice_changes_nothing(tmp_path: Path) -> None:
    """A run that is repeated after a crash leaves the same rows."""
    end = NOON + timedelta(hours=48)
    assert _write(tmp_path, NOON, end) == 16
    before = _content(tmp_path)
    assert _write(tmp_path, NOON, end) == 16
    assert _content(tmp_path) == before


def test_rewritten_window_loses_rows_that_are_no_longer_built(tmp_path: Path) -> None:
    """Rows of the window that stood before are replaced, rows outside it stay."""
    _write(tmp_path, NOON, NOON + timedelta(hours=48))
    hours = timedelta(hours=1)
    none = VIEW.build({"sales": sales()}, NOON, NOON)
    write_offline(tmp_path, VIEW, none, NOON - hours, NOON + 11 * hours)
    stamps = [stamp.hour for day in DAYS for stamp in read_offline(tmp_path, VIEW, day)["event_timestamp"]]
    assert stamps == [3, 3, 8, 8, 13, 13, 18, 18, 23, 23]


def test_day_without_rows_reads_as_an_empty_frame(tmp_path: Path) -> None:
    """With the right columns."""
    assert read_offline(tmp_path, VIEW, DAYS[0]).columns.tolist() == [
        "entity",
        "event_timestamp",
        "last_amount",
        "last_tax",
    ]
