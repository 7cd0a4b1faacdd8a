"""The flow that looks after the prediction log."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from flows.maintain import maintain
from lifecycle.errors import Conflict
from lifecycle.jobs import JobState
from stores.ledger.idempotency import IdempotencyKeys
from stores.ledger.job_lists import JobLists
from stores.ledger.job_records import Ending, NewJob
from stores.ledger.jobs import Jobs
from stores.ledger.key_operations import Claim, Claiming, Looking
from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.prediction_log.compaction import Compacted
from stores.prediction_log.schema import SCHEMA
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import Adopted, ship
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings


@pytest.fixture
def serve(home: Settings) -> Callable[[str], SegmentWriter]:
    """Return a replica that answers one request of an id and ships it."""

    def answer(prediction_id: str) -> SegmentWriter:
        writer = SegmentWriter(home.prediction_log, "replica")
        writer.append(pa.RecordBatch.from_pylist([{"prediction_id": prediction_id}], schema=SCHEMA))
        return writer

    return answer


def test_empty_log_is_left_as_it_is(home: Settings) -> None:
    """The flow is scheduled from the first minute, before anything was served."""
    done = maintain.fn()
    assert (done.adopted, done.compacted, done.expired_files) == (Adopted((), 0, 0), Compacted(0, 0), 0)
    assert done.forgotten_jobs == 0
    assert (done.adopted, done.compacted) == (Adopted((), 0, 0), Compacted(0, 0))
    assert (done.expired_files, done.expired_keys) == (0, 0)


def test_orphans_are_shipped_and_small_files_merged(home: Settings, serve: Callable[[str], SegmentWriter]) -> None:
    """After the flow the log holds a dead replica's rows too, in one file."""
    living, dead = serve("1"), serve("2")
    living.seal()
    ship(home.prediction_log, living.owned)
    os.close(dead.owned.descriptor)
    done = maintain.fn()
    assert (done.adopted.rows, done.compacted) == (1, Compacted(files_before=2, files_after=1))
    ids = PredictionLog(home.prediction_log).query("SELECT prediction_id FROM predictions ORDER BY 1")
    assert ids == [{"prediction_id": "1"}, {"prediction_id": "2"}]


def test_second_round_changes_nothing(home: Settings, serve: Callable[[str], SegmentWriter]) -> None:
    """A run that starts again after a crash, or too soon, does no harm."""
    os.close(serve("1").owned.descriptor)
    maintain.fn()
    again = maintain.fn()
    assert (again.adopted.rows, again.compacted) == (0, Compacted(0, 0))
    assert PredictionLog(home.prediction_log).count() == 1


def test_keys_whose_time_is_over_are_deleted(home: Settings) -> None:
    """And no others, so that the table does not grow for ever."""
    keys, now = IdempotencyKeys(open_ledger(home.ledger_address)), datetime.now(UTC)
    old, young = (
        Claim(name, "f", name, "replica.1", "here", now, now + timedelta(hours=hours))
        for name, hours in (("old", -1), ("young", 1))
    )
    keys.work([Claiming(old), Claiming(young)], now - timedelta(hours=2))
    assert maintain.fn().expired_keys == 1
    assert keys.work([Looking(old), Looking(young)], now - timedelta(hours=2)) == [None, young]


def test_two_rounds_at_once_are_kept_apart(home: Settings, impatient: None) -> None:
    """Two compactions of one table would double its rows, so the second run is refused."""
    with (
        Leases(open_ledger(home.ledger_address)).hold("maintain"),
        pytest.raises(Conflict, match="another run"),
    ):
        maintain.fn()


def test_jobs_are_kept_as_long_as_their_policy_has_it(home: Settings) -> None:
    """Those of a model without a policy stay."""
    engine = open_ledger(home.ledger_address)
    jobs, now = Jobs(engine), datetime.now(UTC)
    for model in ("flight_delay", "unknown"):
        for hours in (71, 73):
            name, at = f"{model}-{hours}", now - timedelta(hours=hours)
            new = NewJob(name, model, "2", 5, "predict", {}, b"{}", None, 1, None, at)
            jobs.enqueue([new], {model: 9})
            (claimed,) = jobs.claim(model, holder="r", lease_seconds=9, limit=1, now=now)
            jobs.end([Ending(name, claimed.token, JobState.SUCCEEDED)], at)
    assert maintain.fn().forgotten_jobs == 1
    left = {job.job_id for job in JobLists(engine).newest(9)}
    assert left == {"flight_delay-71", "unknown-71", "unknown-73"}
    assert maintain.fn().forgotten_jobs == 0
