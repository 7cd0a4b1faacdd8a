"""How many replicas share each tenant's rate, also while their number follows the load."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from serving.demand import Demand

FRESH = timedelta(seconds=15)
"""A replica that has not reported for this long counts as gone."""


class Sharing:
    """The number of replicas, `count`: the most there may be until it is known.

    `refresh` reads it by `reported`, which returns how many replicas reported at or after a moment.
    """

    def __init__(self, demand: Demand, reported: Callable[[datetime], int]) -> None:
        self.count = demand.maximum
        self._demand = demand
        self._reported = reported

    def refresh(self) -> None:
        """Read the number, where it can change; raises SQLAlchemyError while the ledger is away, and leaves it."""
        least, most = self._demand.minimum, self._demand.maximum
        if least == most:
            return
        # During a redeploy the old replicas report, too.
        self.count = min(most, max(least, self._reported(datetime.now(UTC) - FRESH)))
