"""How many gateway replicas there were to be, since when and why."""

from dataclasses import asdict, dataclass
from datetime import datetime

import structlog
from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from lifecycle.errors import HoldfastError
from stores.ledger.failing import in_short
from stores.ledger.opening import connect
from stores.ledger.scaling_schema import scalings
from stores.settings import settings

log = structlog.get_logger()

KEPT = 1_000
"""Changes that are kept, the newest; a gateway that is never at rest must not fill the ledger."""


@dataclass(frozen=True)
class Scaling:
    """One change of the number of replicas, within its bounds; before the gateway's start there were 0."""

    at: datetime
    replicas_before: int
    replicas: int
    minimum: int
    maximum: int
    reason: str


class Scalings:
    """The changes, newest last."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, scaling: Scaling) -> None:
        """Store a change; one that is stored already stays as it is."""
        newest = select(scalings.c.at).order_by(scalings.c.at.desc()).offset(KEPT - 1).limit(1)
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(scalings).values(asdict(scaling)))
                oldest_kept = connection.scalars(newest).first()
                if oldest_kept is not None:
                    connection.execute(delete(scalings).where(scalings.c.at < oldest_kept))
        except IntegrityError:
            return

    def last(self, most: int = 1) -> tuple[Scaling, ...]:
        """Return the newest changes, the newest last."""
        newest = select(scalings).order_by(scalings.c.at.desc()).limit(most)
        with self._engine.connect() as connection:
            return tuple(Scaling(**row._asdict()) for row in reversed(connection.execute(newest).all()))


def record_quietly(scaling: Scaling, address: str | None = None) -> None:
    """Store a change in the ledger of the settings, or log that it was away: scaling goes on without a record."""
    engine = connect(settings().ledger_address if address is None else address)
    try:
        Scalings(engine).record(scaling)
    except (HoldfastError, SQLAlchemyError) as error:
        log.warning("scaling_not_recorded", replicas=scaling.replicas, reason=scaling.reason, error=in_short(error))
    finally:
        engine.dispose()
