"""A gateway starts whatever became of the prediction log's table and of dead replicas."""

import asyncio
import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lifecycle.errors import HoldfastError, Unavailable
from serving.gateway import Gateway, open_gateway
from stores.ledger.opening import open_ledger
from stores.prediction_log.delta import table_folder
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings

pytestmark = [
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    """Return settings without a model, over a log in which a dead replica left one row."""
    (tmp_path / "policies").mkdir()
    chosen = Settings(home=tmp_path / "home", policies=tmp_path / "policies")
    open_ledger(chosen.ledger_address).dispose()
    dead = SegmentWriter(chosen.prediction_log, "dead")
    dead.append(pa.RecordBatch.from_pylist([{"prediction_id": "1"}], schema=SCHEMA))
    os.close(dead.owned.descriptor)
    return chosen


def shut_down(gateway: Gateway) -> None:
    """End a gateway as its server does."""

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "lifespan.shutdown"}

    async def send(_: MutableMapping[str, Any]) -> None:
        """Take the answer."""

    asyncio.run(gateway.application({"type": "lifespan"}, receive, send))


def events(logged: list[Any]) -> set[str]:
    """Return the names of the lines that were logged."""
    return {line["event"] for line in logged}


def test_gateway_starts_while_the_table_cannot_be_read(chosen: Settings, logged: list[Any]) -> None:
    """Answers do not depend on the table, and what waits for it is adopted by a later start."""
    table_folder(chosen.prediction_log).write_text("in the way", encoding="utf-8")
    (chosen.prediction_log / "segments" / "a-file").touch()
    shut_down(open_gateway(chosen, "first"))
    assert "orphan_left" in events(logged)
    table_folder(chosen.prediction_log).unlink()
    shut_down(open_gateway(chosen, "second"))
    assert PredictionLog(chosen.prediction_log).count() == 1


@pytest.mark.parametrize("error", [Unavailable("no table"), OSError("input/output error")])
def test_gateway_starts_when_adoption_fails_as_a_whole(
    chosen: Settings, logged: list[Any], monkeypatch: pytest.MonkeyPatch, error: HoldfastError | OSError
) -> None:
    """It says so in its log and serves."""

    def fail(_: Path, __: object) -> None:
        raise error

    monkeypatch.setattr("serving.gateway.adopt_orphans", fail)
    shut_down(open_gateway(chosen, "replica"))
    assert "adoption_failed" in events(logged)
