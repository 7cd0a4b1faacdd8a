"""`holdfast costs` adds up what the log says."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from console.costs import app
from lifecycle.errors import InvalidInput, NotFound
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import ship
from stores.settings import Settings

SERVED_AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROWS: tuple[dict[str, object], ...] = (
    {"version": "1", "tier": "model", "tenant": "x", "cost": 1.0},
    {"version": "1", "tier": "model", "tenant": "y", "cost": 1.5},
    {"version": "1", "tier": "small", "tenant": "x", "cost": 0.25},
    {"version": "2", "tier": "model", "tenant": None, "cost": 0.125, "outcome": "failed", "shown": False},
    {"version": "2", "tier": None, "tenant": None, "cost": None, "served_at": SERVED_AT.replace(year=2025)},
)


@pytest.fixture(autouse=True)
def logged(home: Settings) -> None:
    """Ship rows of two versions, three tiers and two tenants."""
    writer = SegmentWriter(home.prediction_log, "replica")
    whole = [
        {"prediction_id": str(number), "model": "tiny", "outcome": "answered", "shown": True, "served_at": SERVED_AT}
        | row
        for number, row in enumerate(ROWS)
    ]
    writer.append(pa.RecordBatch.from_pylist(whole, schema=SCHEMA))
    writer.seal()
    ship(home.prediction_log, writer.owned)


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, tuple[int, int, int, float]]:
    """Return rows, answers, priced and cost by what was asked for."""
    app([*arguments, "--json"], standalone_mode=False)
    rows = json.loads(capsys.readouterr().out)
    by = arguments[1] if "--by" in arguments else "tier"
    return {row[by]: (row["rows"], row["answers"], row["priced"], row["cost"]) for row in rows}


def test_costs_are_added_up_by_tier_version_or_tenant(capsys: pytest.CaptureFixture[str]) -> None:
    """An attempt that nobody was shown is charged and no answer; what has no tier was a version's."""
    assert found(capsys) == {"model": (4, 3, 3, 2.625), "small": (1, 1, 1, 0.25)}
    assert found(capsys, "--by", "version") == {"1": (3, 3, 3, 2.75), "2": (2, 1, 1, 0.125)}
    assert found(capsys, "--by", "tenant") == {"x": (2, 2, 2, 1.25), "y": (1, 1, 1, 1.5), "": (2, 1, 1, 0.125)}


def test_since_and_model_narrow_it_down(capsys: pytest.CaptureFixture[str]) -> None:
    """By when a row was served."""
    assert found(capsys, "--since", "2026-01-01T00:00:00Z")["model"] == (3, 2, 3, 2.625)
    assert found(capsys, "--model", "tiny")["small"] == (1, 1, 1, 0.25)


def test_people_get_a_table_with_the_price_of_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """And are told of rows without a cost."""
    app(["--by", "tenant"], standalone_mode=False)
    out = capsys.readouterr().out
    assert "625" in out
    assert "(nobody said)" in out
    assert "1 of these rows have no cost" in out


def test_unknown_model_and_odd_moment_are_refused(home: Settings, tmp_path: Path) -> None:
    """A slip of the pen is no good news."""
    with pytest.raises(NotFound, match="no model 'tinny'"):
        app(["--model", "tinny"], standalone_mode=False)
    for odd in ("yesterday", "2026-01-01T00:00:00"):
        with pytest.raises(InvalidInput, match="--since"):
            app(["--since", odd], standalone_mode=False)
