"""The quarantine keeps what failed, why, and who let it in."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lifecycle.errors import NotFound, TransitionRefused
from lifecycle.quarantine import RowState
from stores.quarantine import Move, Quarantine, QuarantinedRow, frame_of

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
WINDOW = (NOON, NOON + timedelta(hours=1))
ASK = Move(RowState.ASKED, "ada", "the carrier is new", forced=False, at=NOON + timedelta(days=1))


@pytest.fixture
def quarantine(tmp_path: Path) -> Quarantine:
    """An empty quarantine."""
    return Quarantine(tmp_path)


def batch() -> pd.DataFrame:
    """Return three flights as a source may hand them over, with values of every sort."""
    return pd.DataFrame(
        {
            "carrier": ["ZZ", "UA", None],
            "flight": [1, 2, 3],
            "distance": pd.Series([1400.5, "far", np.nan], dtype=object),
            "known_at": pd.to_datetime(["2013-04-01T12:00Z", "2013-04-01T12:30Z", "NaT"], format="ISO8601"),
        }
    )


def add(quarantine: Quarantine, window: tuple[datetime, datetime] = WINDOW) -> int:
    """Set the first two rows of the batch aside."""
    failed = {0: ("in-set(carrier)",), 1: ("in-set(carrier)", "type(distance)")}
    key = ("carrier", "flight")
    return quarantine.add("tiny", "flights", key=key, frame=batch(), failed=failed, window=window, at=NOON)


def by_key(quarantine: Quarantine) -> dict[str, QuarantinedRow]:
    """Return the rows by carrier."""
    return {json.loads(row.key)["carrier"]: row for row in quarantine.rows("tiny")}


def test_row_is_kept_with_key_reason_and_window(quarantine: Quarantine) -> None:
    """A person must see which event it is and what it failed."""
    assert add(quarantine) == 2
    row = by_key(quarantine)["UA"]
    assert (row.stream, row.failed) == ("flights", ("in-set(carrier)", "type(distance)"))
    assert (row.start_at, row.end_at, row.quarantined_at) == (*WINDOW, NOON)
    assert row.state is RowState.WAITING


def test_same_row_in_the_same_or_another_window_is_not_added_again(quarantine: Quarantine) -> None:
    """A backfill reads in other windows what an hourly run has set aside."""
    add(quarantine)
    assert add(quarantine) == 0
    assert add(quarantine, (NOON - timedelta(days=1), NOON + timedelta(days=1))) == 0
    assert len(quarantine.rows("tiny")) == 2


def test_values_come_back_as_they_came(quarantine: Quarantine) -> None:
    """A text stays a text and a moment a moment, so that examining again is honest."""
    frame = batch()
    key = ("carrier", "flight")
    failed = dict.fromkeys(range(3), ("anything",))
    quarantine.add("tiny", "flights", key=key, frame=frame, failed=failed, window=WINDOW, at=NOON)
    back = frame_of(quarantine.rows("tiny")).sort_values("flight", ignore_index=True)
    assert back["distance"].tolist()[:2] == [1400.5, "far"]
    assert back["distance"].isna().tolist() == [False, False, True]
    assert back["known_at"].tolist()[0] == pd.Timestamp("2013-04-01T12:00Z")
    assert back["flight"].tolist() == [1, 2, 3]


def test_who_asked_when_and_why_is_kept(quarantine: Quarantine) -> None:
    """The way of a row is an audit trail."""
    add(quarantine)
    entry = by_key(quarantine)["ZZ"].entry_id
    quarantine.move("tiny", [entry], ASK)
    done = Move(RowState.READMITTED, "flow readmit", "passes its suite", forced=False, at=ASK.at)
    quarantine.move("tiny", [entry], done)
    assert by_key(quarantine)["ZZ"].moves == (ASK, done)
    assert [row.entry_id for row in quarantine.rows("tiny", (RowState.READMITTED,))] == [entry]


def test_readmitted_row_cannot_be_asked_for_again(quarantine: Quarantine) -> None:
    """It is in; and a refusal moves no other row of the same request."""
    add(quarantine)
    first, second = (row.entry_id for row in quarantine.rows("tiny"))
    quarantine.move("tiny", [first], ASK)
    quarantine.move("tiny", [first], Move(RowState.READMITTED, "flow readmit", "", forced=False, at=NOON))
    with pytest.raises(TransitionRefused, match=f"row {first} is readmitted"):
        quarantine.move("tiny", [second, first], ASK)
    assert {row.state for row in quarantine.rows("tiny")} == {RowState.READMITTED, RowState.WAITING}


def test_readmitted_row_that_is_delivered_again_stays_readmitted(quarantine: Quarantine) -> None:
    """Taking a window in again must not undo what a person decided."""
    add(quarantine)
    entry = by_key(quarantine)["ZZ"].entry_id
    quarantine.move("tiny", [entry], ASK)
    quarantine.move("tiny", [entry], Move(RowState.READMITTED, "flow readmit", "", forced=True, at=NOON))
    assert add(quarantine) == 0
    assert by_key(quarantine)["ZZ"].state is RowState.READMITTED


def test_unknown_row_is_named(quarantine: Quarantine) -> None:
    """A mistyped id moves nothing."""
    with pytest.raises(NotFound, match="no row 4f2a"):
        quarantine.move("tiny", ["4f2a"], ASK)


def test_quarantine_that_never_had_a_row_is_empty(quarantine: Quarantine) -> None:
    """Nothing set aside is the normal case."""
    assert quarantine.rows("tiny") == ()
