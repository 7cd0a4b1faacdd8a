"""A shadow of the next contract is asked what the champion was, in its own contract and with its own features."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import pyarrow as pa
import pytest

from feature_repo.definition import Columns
from lifecycle.errors import Unavailable
from lifecycle.plan import ShadowArm, TrafficPlan
from serving.prediction_ids import PredictionIds
from serving.shadow.frames import Asking, Task
from serving.shadow.shadow_rows import ShadowVersion
from serving.shadow.shadows import Shadows
from serving.shadow.translating import Translating, open_translating
from serving.shadow.working import _Answering
from stores.policies import load_policy
from stores.prediction_log.schema import SCHEMA
from stores.predictor import load_predictor
from stores.versions import Versions
from tests.serving.conftest import Found, MemoryLog, Row
from tests.serving.contracts.conftest import new, old
from tests.serving.contracts.parcels import DEFINITION, MODEL, V1, V2

pytestmark = [
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]
AT = datetime(2024, 5, 1, 13, tzinfo=UTC)


def text(row: Row) -> str:
    """Return a row as the log has it."""
    return msgspec.json.encode(row).decode()


def mirrored(*rows: tuple[str, Row, str | None, Row | None]) -> pa.RecordBatch:
    """Return champion's rows, each as (contract, request, original contract, original request)."""
    whole = [
        {
            "prediction_id": f"p{number}",
            "model": MODEL,
            "contract": contract,
            "request": text(request),
            "original_contract": theirs,
            "original_request": None if original is None else text(original),
            "features": [0.1, 2.5, 0.0],
            "example_id": str(request["parcel"]),
            "unit": "s7",
            "served_at": AT,
            "moment_at": AT,
            "decision": "late",
        }
        for number, (contract, request, theirs, original) in enumerate(rows)
    ]
    return pa.RecordBatch.from_pylist(whole, schema=SCHEMA)


ASKED = mirrored(
    ("parcels_v1", old(service="air"), None, None),
    ("parcels_v1", old(parcel=2), "parcels_v2", new(parcel=2)),
)


def test_question_is_asked_in_the_shadow_s_contract_with_its_features(features_root: Path) -> None:
    """From the online store itself; what says whose pair it is stays as it was."""
    asking = Asking(model=MODEL, features=str(features_root), online_store="sqlite", feature_cache_seconds=0)
    translated = open_translating(asking, V2.name)(ASKED)
    first, second = translated.to_pylist()
    assert first["features"] == pytest.approx([7 / 39, 2.5, 1.0, 0.0, 0.0])
    assert msgspec.json.decode(first["request"]) == new(service="air")
    assert (first["contract"], first["original_contract"]) == ("parcels_v2", "parcels_v1")
    assert first["original_request"] == text(old(service="air"))
    assert (second["original_contract"], second["original_request"]) == (None, None)
    kept = ("prediction_id", "example_id", "unit", "moment_at", "served_at", "decision")
    theirs = ASKED.to_pylist()
    for mine, its in zip((first, second), theirs, strict=True):
        assert {name: mine[name] for name in kept} == {name: its[name] for name in kept}
    assert first["defaulted"] == []
    assert first["feature_at"] != [None]


def test_batch_in_its_own_contract_is_only_read_again(features_root: Path) -> None:
    """As when a champion of the same contract has come meanwhile."""
    asking = Asking(model=MODEL, features=str(features_root), online_store="sqlite", feature_cache_seconds=0)
    batch = mirrored(("parcels_v2", new(sender="s999"), "parcels_v1", old(sender="s999")))
    (row,) = open_translating(asking, V2.name)(batch).to_pylist()
    assert msgspec.json.decode(row["request"]) == new(sender="s999")
    assert (row["original_contract"], row["original_request"]) == ("parcels_v1", text(old(sender="s999")))
    assert row["defaulted"] == ["late_rate"]
    assert row["feature_at"] == [None]


@dataclass
class Away:
    """An online store that cannot be reached."""

    def read(self, _: Columns) -> Found:
        """Fail as it does."""
        raise Unavailable("the online store is away")

    def recall(self, _: Columns) -> Found | None:
        """Know nothing."""
        return None


@dataclass
class Empty:
    """An online store that knows nobody."""

    def read(self, request: Columns) -> Found:
        """Return nothing."""
        nothing = np.full(len(request["parcel"]), np.nan)
        return Found({"late_rate": nothing}, {"sender_arrivals": nothing})

    def recall(self, request: Columns) -> Found | None:
        """Return the same."""
        return self.read(request)


def answering(versions: Path, translate: Translating, log: MemoryLog) -> _Answering:
    """Return the shadow's work over a translation."""
    files = Versions(versions, None).open(MODEL, "2")
    asking = Asking(model=MODEL, features="", online_store="sqlite", feature_cache_seconds=0)
    task = Task(
        parent=0,
        prediction_log="",
        replica="r-shadow",
        version="2",
        folder="",
        manifest="",
        threshold=0.5,
        positive="late",
        negative="in_time",
        asking=asking,
        memory_limit_mb=500,
    )
    version = ShadowVersion(task, V2.name, "digest")
    writer: Any = log
    return _Answering(load_predictor(files), version, writer, PredictionIds(time.time), psutil.Process(), translate)


def test_features_out_of_reach_are_no_word_against_the_version(parcel_versions: Path) -> None:
    """It was not asked: its rows count as not on record, neither answered nor failed."""
    log = MemoryLog()
    done = answering(parcel_versions, Translating(DEFINITION, V2.name, Away()), log).answer(ASKED)
    assert (done.answered, done.failed, done.unlogged) == (0, 0, 2)
    assert log.batches == []


def test_translated_rows_are_answered_and_logged_as_the_shadow_s(parcel_versions: Path) -> None:
    """Each beside the champion's row that it was made of."""
    log = MemoryLog()
    done = answering(parcel_versions, Translating(DEFINITION, V2.name, Empty()), log).answer(ASKED)
    assert (done.answered, done.failed, done.unlogged) == (2, 0, 0)
    rows = log.rows()
    assert [row["pairs_with"] for row in rows] == ["p0", "p1"]
    assert {row["contract"] for row in rows} == {"parcels_v2"}
    assert all(0 <= row["score"] <= 1 for row in rows)


def test_shadow_that_cannot_be_asked_everything_is_not_started(
    parcel_versions: Path, policies: Path, tmp_path: Path
) -> None:
    """A version of the older contract beside a champion of today's; its report says what to do."""
    shadows = Shadows(tmp_path, "r", MemoryLog())
    plan = TrafficPlan(MODEL, 4, "2", None, shadow=ShadowArm("3", 4, AT))
    files = Versions(parcel_versions, None).open(MODEL, "3")
    shadows.follow(plan, files, load_policy(policies, MODEL), DEFINITION, V2)
    report = shadows.report(MODEL)
    shadows.stop()
    assert report is not None
    assert "version 3 answers by parcels_v1, and not every request of the champion's contract" in str(report["trouble"])


@pytest.mark.parametrize(("champion", "translates"), [(V1, True), (V2, False), (None, False)])
def test_only_a_shadow_of_another_contract_reads_features(
    parcel_versions: Path, policies: Path, tmp_path: Path, champion: Any, *, translates: bool
) -> None:
    """One of the champion's own is given the champion's features, as ever."""
    shadows = Shadows(tmp_path, "r", MemoryLog(), features=tmp_path / "features", online_store="redis://host:6379")
    task = _task(shadows, parcel_versions, policies, champion)
    assert (task.asking is not None) is translates
    if task.asking is not None:
        assert (task.asking.model, task.asking.online_store) == (MODEL, "redis://host:6379")


def _task(shadows: Shadows, versions: Path, policies: Path, champion: Any) -> Task:
    files, policy = Versions(versions, None).open(MODEL, "2"), load_policy(policies, MODEL)
    return shadows._version(MODEL, ShadowArm("2", 1, AT), files, policy, champion).task
