"""Keep the prediction log whole and quick to read, and drop what is past its time: old files, jobs and keys."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from prefect import flow
from sqlalchemy import Engine

from lifecycle.errors import HoldfastError
from stores.ledger.idempotency import IdempotencyKeys
from stores.ledger.job_lists import JobLists
from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.ledger.void_claims import void_claims
from stores.policies import load_policy
from stores.prediction_log.compaction import Compacted, compact, expire
from stores.prediction_log.shipper import Adopted, adopt_orphans
from stores.settings import settings

log = structlog.get_logger()


@dataclass(frozen=True)
class Maintained:
    """What one round did: orphans adopted, data files merged; old data files, jobs and idempotency keys deleted."""

    adopted: Adopted
    compacted: Compacted
    expired_files: int
    forgotten_jobs: int
    expired_keys: int


@flow(name="maintain")
def maintain() -> Maintained:
    """Ship what dead replicas of this machine left, merge small files, and delete what is replaced or past its time.

    Doing it twice changes nothing more. Raises Conflict when another run is at it.
    """
    places = settings()
    engine = open_ledger(places.ledger_address)
    with Leases(engine).hold("maintain"):
        done = Maintained(
            adopted=adopt_orphans(places.prediction_log, void_claims(engine, places.prediction_log)),
            compacted=compact(places.prediction_log),
            expired_files=expire(places.prediction_log),
            forgotten_jobs=_forget_jobs(engine, places.policies),
            expired_keys=IdempotencyKeys(engine).expire(datetime.now(UTC)),
        )
    log.info(
        "prediction_log_maintained",
        adopted_rows=done.adopted.rows,
        folders_left=done.adopted.left,
        files_before=done.compacted.files_before,
        files_after=done.compacted.files_after,
        expired_files=done.expired_files,
        forgotten_jobs=done.forgotten_jobs,
        expired_keys=done.expired_keys,
    )
    return done


def _forget_jobs(engine: Engine, policies: Path) -> int:
    """Delete the jobs of every model that ended longer ago than its policy keeps them, and return how many."""
    lists, forgotten = JobLists(engine), 0
    for model in lists.models():
        try:
            kept = load_policy(policies, model).jobs.keep_hours
        except HoldfastError as error:
            # Nobody says how long to keep them.
            log.warning("jobs_kept", model=model, error=str(error))
            continue
        forgotten += lists.forget(model, datetime.now(UTC) - timedelta(hours=kept))
    return forgotten
