"""The quarantine: rows that failed an expectation, why, and what people did about them.

Two append-only tables per model: `rows`, each set aside once however often it is delivered, and `moves`, who moved
a row to which state, when and why. A row's state is that of its last move.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lifecycle.errors import NotFound
from lifecycle.quarantine import RowState, require_move
from stores.events import EventStore

ROWS, MOVES = "rows", "moves"
TIME_MARK = "utc"
"""A moment is kept as {"utc": "2013-…"}, so that a text that only looks like one stays a text."""


@dataclass(frozen=True)
class Move:
    """One step of one row: to which state, by whom, when, and why. `forced` skips its expectations."""

    state: RowState
    who: str
    why: str
    forced: bool
    at: datetime


@dataclass(frozen=True)
class QuarantinedRow:
    """A row that was set aside from the window [start_at, end_at), with the expectations it failed.

    `key` names the event for people, `row` is the whole row, both JSON; `moves` are in order of time.
    """

    entry_id: str
    stream: str
    key: str
    failed: tuple[str, ...]
    row: str
    start_at: datetime
    end_at: datetime
    quarantined_at: datetime
    moves: tuple[Move, ...]

    @property
    def state(self) -> RowState:
        """Where the row stands."""
        return self.moves[-1].state if self.moves else RowState.WAITING


class Quarantine:
    """The rows set aside, by model."""

    def __init__(self, root: Path) -> None:
        self._tables = EventStore(root)

    def add(
        self,
        model: str,
        stream: str,
        *,
        key: tuple[str, ...],
        frame: pd.DataFrame,
        failed: Mapping[int, tuple[str, ...]],
        window: tuple[datetime, datetime],
        at: datetime,
    ) -> int:
        """Set rows of a batch aside and return how many were not there yet.

        `frame` is the batch as it came, `failed` maps row positions to failed expectations. A row that says the
        same as one that is there already, whatever its state, is not added again.
        """
        if not failed:
            return 0
        known = {row.entry_id for row in self.rows(model)}
        entries = {}
        for place, expectations in failed.items():
            values = {name: _plain(value) for name, value in frame.iloc[place].to_dict().items()}
            text = json.dumps(values, sort_keys=True)
            entry_id = sha256(f"{stream}\n{text}".encode()).hexdigest()[:16]
            if entry_id in known:
                continue
            entries[entry_id] = {
                "entry_id": entry_id,
                "stream": stream,
                "key": json.dumps({name: values.get(name) for name in key}),
                "failed": json.dumps(expectations),
                "row": text,
                "start_at": window[0],
                "end_at": window[1],
                "known_at": at,
            }
        return self._append(model, ROWS, ("entry_id",), list(entries.values()))

    def rows(self, model: str, states: Sequence[RowState] = tuple(RowState)) -> tuple[QuarantinedRow, ...]:
        """Return a model's rows in any of the states, newest first; none when nothing was ever set aside."""
        moves: dict[str, list[Move]] = {}
        for each in sorted(self._records(model, MOVES), key=lambda each: each["number"]):
            step = Move(RowState(each["state"]), each["who"], each["why"], each["forced"], each["known_at"])
            moves.setdefault(each["entry_id"], []).append(step)
        found = (_row(each, tuple(moves.get(each["entry_id"], ()))) for each in self._records(model, ROWS))
        return tuple(sorted((row for row in found if row.state in states), key=lambda row: row.end_at, reverse=True))

    def move(self, model: str, entry_ids: Sequence[str], step: Move) -> None:
        """Record one step for each of some rows.

        Raises NotFound naming the rows that are not there, TransitionRefused when one may not make the step;
        then none has made it.
        """
        there = {row.entry_id: row for row in self.rows(model)}
        missing = [entry_id for entry_id in entry_ids if entry_id not in there]
        if missing:
            raise NotFound(f"the quarantine of {model} has no row {', '.join(missing)}; see `holdfast quarantine list`")
        for entry_id in entry_ids:
            require_move(entry_id, there[entry_id].state, step.state)
        records = [
            {
                "entry_id": entry_id,
                "number": len(there[entry_id].moves),
                "state": str(step.state),
                "who": step.who,
                "why": step.why,
                "forced": step.forced,
                "known_at": step.at,
            }
            for entry_id in dict.fromkeys(entry_ids)
        ]
        self._append(model, MOVES, ("entry_id", "number"), records)

    def _append(self, model: str, table: str, key: tuple[str, ...], records: list[dict[str, object]]) -> int:
        if not records:
            return 0
        frame = pd.DataFrame(records)
        times = [name for name in ("start_at", "end_at", "known_at") if name in frame]
        return self._tables.merge(model, table, key, frame.astype(dict.fromkeys(times, "datetime64[us, UTC]")))

    def _records(self, model: str, table: str) -> list[dict[str, Any]]:
        try:
            frame = self._tables.load(model, table)
        except NotFound:
            return []
        return [{str(name): value for name, value in record.items()} for record in frame.to_dict("records")]


def frame_of(rows: Sequence[QuarantinedRow]) -> pd.DataFrame:
    """Return quarantined rows of one stream as the batch they would be, values as they came (n_rows, n_columns)."""
    return pd.DataFrame([{name: _value(kept) for name, kept in json.loads(row.row).items()} for row in rows])


def _row(record: Mapping[str, Any], moves: tuple[Move, ...]) -> QuarantinedRow:
    values = dict(record)
    quarantined_at = values.pop("known_at")
    failed = tuple(json.loads(values.pop("failed")))
    return QuarantinedRow(**values, failed=failed, quarantined_at=quarantined_at, moves=moves)


def _plain(value: object) -> object:
    """Return a value as JSON keeps it; a kind that JSON does not know is kept as its text."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return {TIME_MARK: value.astimezone(UTC).isoformat()}
    return value if isinstance(value, (str, int, float)) else str(value)


def _value(kept: object) -> object:
    return pd.Timestamp(kept[TIME_MARK]) if isinstance(kept, dict) else kept
