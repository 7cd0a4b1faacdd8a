"""The flow that looks after the queue of reviews."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from flows.review import review
from lifecycle.errors import PolicyInvalid
from stores.ledger.decisions import Decisions
from stores.ledger.opening import open_ledger
from stores.ledger.reviews import Reviews
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import adopt_orphans
from stores.settings import Settings, settings

SHIPPED = Path(__file__).parents[2] / "policies"
MODEL = "flight_delay"


@pytest.fixture
def answered(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A state folder in which an unsure answer was given two days ago, and nobody is really called."""
    monkeypatch.setattr("flows.review.page_and_wait", lambda _: None)
    row = {
        "prediction_id": "a",
        "model": MODEL,
        "version": "1",
        "example_id": "e",
        "request": "{}",
        "score": 0.25,
        "decision": "likely_late",
        "served_at": datetime.now(UTC) - timedelta(days=2),
        "review": "provisional",
    }
    writer = SegmentWriter(home.prediction_log, "replica")
    writer.append(pa.RecordBatch.from_pylist([row], schema=SCHEMA))
    writer.close()
    adopt_orphans(home.prediction_log)
    return home


def test_round_enters_what_the_log_asks_and_calls_for_what_is_overdue_once(answered: Settings) -> None:
    """By the shipped policy, which gives a day."""
    done = review.fn()
    assert (done.asked, len(done.called)) == (1, 1)
    again = review.fn()
    assert (again.asked, again.called) == (0, ())
    engine = open_ledger(answered.ledger_address)
    assert Reviews(engine).get("a").escalation == done.called[0]
    assert len(Decisions(engine).of(MODEL)) == 1


def test_policy_that_cannot_be_followed_loses_no_answer(
    answered: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is not passed over; once the file is right again, the queue has all."""
    policies = tmp_path / "policies"
    shutil.copytree(SHIPPED, policies)
    file = policies / f"{MODEL}.yaml"
    right = file.read_text(encoding="utf-8")
    file.write_text(right.replace("unsure_within: 0.005", "unsure_within: 5"), encoding="utf-8")
    monkeypatch.setenv("HOLDFAST_POLICIES", str(policies))
    settings.cache_clear()
    with pytest.raises(PolicyInvalid, match="unsure_within"):
        review.fn()
    file.write_text(right, encoding="utf-8")
    assert review.fn().asked == 1
