"""Keep the prediction log whole and quick to read, and drop what is past its time: its old files, and keys."""

from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from prefect import flow

from stores.ledger.idempotency import IdempotencyKeys
from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.ledger.void_claims import void_claims
from stores.prediction_log.compaction import Compacted, compact, expire
from stores.prediction_log.shipper import Adopted, adopt_orphans
from stores.settings import settings

log = structlog.get_logger()


@dataclass(frozen=True)
class Maintained:
    """What one round did: orphans adopted, data files merged, old data files and idempotency keys deleted."""

    adopted: Adopted
    compacted: Compacted
    expired_files: int
    expired_keys: int


@flow(name="maintain")
def maintain() -> Maintained:
    """Ship what dead replicas of this machine left, merge small files, delete replaced ones and keys that are over.

    Doing it twice changes nothing more. Raises Conflict when another run is at it.
    """
    places = settings()
    ledger = open_ledger(places.ledger_address)
    with Leases(ledger).hold("maintain"):
        done = Maintained(
            adopted=adopt_orphans(places.prediction_log, void_claims(ledger, places.prediction_log)),
            compacted=compact(places.prediction_log),
            expired_files=expire(places.prediction_log),
            expired_keys=IdempotencyKeys(ledger).expire(datetime.now(UTC)),
        )
    log.info(
        "prediction_log_maintained",
        adopted_rows=done.adopted.rows,
        folders_left=done.adopted.left,
        files_before=done.compacted.files_before,
        files_after=done.compacted.files_after,
        expired_files=done.expired_files,
        expired_keys=done.expired_keys,
    )
    return done
