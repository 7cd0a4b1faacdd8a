"""The toy's log and events on a state folder of its own: what was asked, what was answered, what turned out."""

import json
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from expectations.kinds import Column
from expectations.suite import Suite
from lifecycle.contract import FieldType
from lifecycle.intake import BadRowLimit
from stores.events import EventStore
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import adopt_orphans
from stores.settings import Settings, settings
from tests.flows import toy

NOW = toy.START + timedelta(days=10)


def prepare(home: Settings, monkeypatch: pytest.MonkeyPatch, policies: Path, policy: str = toy.POLICY) -> Settings:
    """Return settings on a state folder with the toy's events, its policy, and a clock at day ten."""
    toy.install(monkeypatch)
    columns = {"prediction_id": Column(FieldType.STRING), "score": Column(FieldType.NUMBER)}
    served = Suite(columns, (), (), BadRowLimit(rows=0, share=0.0), None, None, other_columns=True)
    monkeypatch.setitem(vars(sys.modules["expectations.toy"])["SUITES"], "served_predictions", served)
    monkeypatch.setenv("HOLDFAST_POLICIES", str(policies))
    settings.cache_clear()
    (policies / "toy.yaml").write_text(policy, encoding="utf-8")
    events = EventStore(home.events)
    for stream in toy.DEFINITION.streams:
        events.merge("toy", stream.name, stream.key, stream.read(toy.START, toy.END))
    Progress(open_ledger(home.ledger_address)).set_replay(NOW)
    return home


def answer(
    kept: Settings, asks: pd.DataFrame, scores: Sequence[float | None], version: str, minute: int = 0, **more: object
) -> None:
    """Log one answer per ask, decided by its score, with some more of the log's columns, and ship the log."""
    rows = [
        {
            "prediction_id": f"{version}-{minute}-{ask['ask']}",
            "model": "toy",
            "version": version,
            "tier": "model",
            "request": json.dumps(
                {name: ask[name] for name in ("unit", "site", "load")} | {"asked_at": ask["asked_at"].isoformat()}
            ),
            "decision": "on" if score is not None and score >= 0.5 else "off",
            "example_id": str(ask["ask"]),
            "moment_at": ask["asked_at"],
            "served_at": NOW + timedelta(minutes=minute),
            "score": score,
            **more,
        }
        for ask, score in zip(asks.to_dict("records"), scores, strict=True)
    ]
    writer = SegmentWriter(kept.prediction_log, f"replica-{version}-{minute}")
    writer.append(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
    writer.close()
    adopt_orphans(kept.prediction_log)


def asked(first: timedelta, last: timedelta) -> pd.DataFrame:
    """Return the asks of a span counted from the clock's now."""
    asks = toy.read_asks(toy.START, toy.END)
    return asks.loc[(asks["asked_at"] >= NOW + first) & (asks["asked_at"] < NOW + last)]
