"""Which keyed requests of a dead replica were answered elsewhere, before its rows were found."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import Unavailable
from stores.ledger.failing import in_short
from stores.ledger.idempotency import IdempotencyKeys
from stores.prediction_log.ownership import place_of

SHIPPING_SECONDS = 60.0
"""How long nobody elsewhere may answer what is being shipped here."""


def void_claims(engine: Engine, root: Path) -> Callable[[str, frozenset[str]], frozenset[str]]:
    """Return what tells void claims among those of a folder of segments; it raises Unavailable without the ledger.

    Only a replica on another disk can have answered them: one on this disk finds the rows first.
    """

    def void(owner: str, claims: frozenset[str]) -> frozenset[str]:
        lease_until = datetime.now(UTC) + timedelta(seconds=SHIPPING_SECONDS)
        try:
            return IdempotencyKeys(engine).settle(owner, place_of(root), claims, lease_until)
        except SQLAlchemyError as error:
            raise Unavailable(
                f"the ledger cannot be reached ({in_short(error)}), and it says which rows of {owner} count; "
                "check HOLDFAST_LEDGER_URL"
            ) from error

    return void
