"""What each tenant has spent today: on this replica to the moment, on the others as of a few seconds ago."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Protocol

import numpy as np
import structlog
from sqlalchemy.exc import SQLAlchemyError

from stores.ledger.failing import in_short
from stores.ledger.spending import Spender

log = structlog.get_logger()

EXCHANGE_SECONDS = 2.0
STOP_SECONDS = 5.0
NOBODY = ""
"""The tenant of callers that need not say who they are."""


class Records(Protocol):
    """Where replicas tell each other what they have spent."""

    def exchange(self, replica: str, day: date, own: Mapping[Spender, float], at: datetime) -> Mapping[Spender, float]:
        """Store a replica's own sums and return all others'."""
        ...


class Spending:
    """Sums of cost by model and tenant since midnight UTC.

    The ledger is asked and told in a thread. While it is away the others' sums stay as they were last heard, so that
    nobody waits, and a budget may be overspent by what the others spend meanwhile.
    """

    def __init__(
        self,
        records: Records,
        replica: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        every_seconds: float = EXCHANGE_SECONDS,
    ) -> None:
        self._records = records
        self._replica = replica
        self._now = now
        self._every_seconds = every_seconds
        self._day = now().date()
        self._own: dict[Spender, float] = {}
        self._others: Mapping[Spender, float] = {}
        self._changing = threading.Lock()
        self._used = False
        self._away = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spending", daemon=True)

    def add(self, model: str, tenants: Sequence[str | None] | None, costs: np.ndarray) -> None:
        """Take note of what some rows cost, (n_rows,), and of whose they are; None when nobody said."""
        if tenants is None:
            self._add(model, NOBODY, float(costs.sum()))
            return
        for tenant in set(tenants):
            mine = [one == tenant for one in tenants]
            self._add(model, tenant or NOBODY, float(costs[mine].sum()))

    def spent(self, model: str, tenant: str | None) -> float:
        """Return what a tenant has spent with a model since midnight UTC."""
        spender = (model, tenant or NOBODY)
        with self._changing:
            self._turn()
            # From the first question on somebody must hear of the others.
            self._used = True
            return self._own.get(spender, 0.0) + self._others.get(spender, 0.0)

    def start(self) -> None:
        """Exchange sums in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the ledger what is left and end."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def exchange(self) -> None:
        """Exchange sums with the ledger once; one that is away is asked the next time."""
        with self._changing:
            self._turn()
            if not self._used and not self._own:
                # No model here has budgets.
                return
            day, own = self._day, dict(self._own)
        try:
            others = self._records.exchange(self._replica, day, own, self._now())
        except SQLAlchemyError as error:
            if not self._away:
                log.warning("spending_not_exchanged", because=in_short(error))
            self._away = True
            return
        self._away = False
        with self._changing:
            if day == self._day:
                self._others = others

    def _add(self, model: str, tenant: str, cost: float) -> None:
        with self._changing:
            self._turn()
            self._own[model, tenant] = self._own.get((model, tenant), 0.0) + cost

    def _turn(self) -> None:
        """Begin a new day when it is one."""
        today = self._now().date()
        if today != self._day:
            self._day, self._own, self._others = today, {}, {}

    def _run(self) -> None:
        ending = False
        while not ending:
            ending = self._stopped.wait(self._every_seconds)
            try:
                self.exchange()
            except Exception:
                # Budgets must not end with one odd answer of the ledger.
                log.exception("spending_failed")
