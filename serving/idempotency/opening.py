"""One replica's way with idempotency keys, put together."""

from collections.abc import Callable
from functools import partial

from sqlalchemy import Engine

from serving.idempotency.book import Book
from serving.idempotency.once import Once
from stores.ledger.idempotency import IdempotencyKeys
from stores.prediction_log.claimed import find_claimed
from stores.prediction_log.ownership import place_of
from stores.settings import Settings


def open_once(chosen: Settings, engine: Engine, owner: str, replayed: Callable[[str], None]) -> Once:
    """Return what answers keyed requests for the replica that owns a folder of segments.

    The ledger is not asked before the first key comes.
    """
    root = chosen.prediction_log
    return Once(Book(IdempotencyKeys(engine), partial(find_claimed, root), root, owner, place_of(root)), replayed)
