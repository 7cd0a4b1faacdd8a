"""Keep the prediction log whole and quick to read: adopt orphans, compact, drop what is past its time."""

from dataclasses import dataclass

import structlog
from prefect import flow

from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.prediction_log.compaction import Compacted, compact, expire
from stores.prediction_log.shipper import Adopted, adopt_orphans
from stores.settings import settings

log = structlog.get_logger()


@dataclass(frozen=True)
class Maintained:
    """What one round did: orphans adopted, data files merged, old data files deleted."""

    adopted: Adopted
    compacted: Compacted
    expired_files: int


@flow(name="maintain")
def maintain() -> Maintained:
    """Ship what dead replicas of this machine left, merge small files, and delete replaced ones.

    Doing it twice changes nothing more. Raises Conflict when another run is at it.
    """
    places = settings()
    with Leases(open_ledger(places.ledger_address)).hold("maintain"):
        done = Maintained(
            adopted=adopt_orphans(places.prediction_log),
            compacted=compact(places.prediction_log),
            expired_files=expire(places.prediction_log),
        )
    log.info(
        "prediction_log_maintained",
        adopted_rows=done.adopted.rows,
        folders_left=done.adopted.left,
        files_before=done.compacted.files_before,
        files_after=done.compacted.files_after,
        expired_files=done.expired_files,
    )
    return done
