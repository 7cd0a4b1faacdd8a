"""The gateway's two words with the ledger: which plan stands, and what this replica serves."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import Unavailable
from lifecycle.plan import TrafficPlan
from stores.ledger.arms import ArmReport, Arms
from stores.ledger.failing import in_short
from stores.ledger.plans import Plans


class LedgerLink:
    """Reads plans and writes arm reports; raises Unavailable when the ledger cannot be reached."""

    def __init__(self, engine: Engine) -> None:
        self._plans = Plans(engine)
        self._arms = Arms(engine)

    def plan(self, model: str) -> TrafficPlan:
        """Return the newest plan of a model; revision 0 when there is none."""
        with _translated():
            return self._plans.current(model)

    def report(self, report: ArmReport) -> None:
        """Store what this replica serves."""
        with _translated():
            self._arms.report(report)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable(f"the ledger cannot be reached ({in_short(error)}); check HOLDFAST_LEDGER_URL") from error
