"""What tenants have spent in a day, told by each replica and summed over all of them."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TypeAlias

from sqlalchemy import Engine, delete, func, insert, select

from stores.ledger.spending_schema import spending

Spender: TypeAlias = tuple[str, str]
"""A model and a tenant; the tenant is empty for callers that need not say who they are."""
DAYS_KEPT = 31


class SpendingRecords:
    """Sums of cost by day (UTC), model, tenant and replica; each replica writes its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def exchange(self, replica: str, day: date, own: Mapping[Spender, float], at: datetime) -> Mapping[Spender, float]:
        """Store what a replica has spent in a day so far and return what all others have.

        Days that are long over are removed on the way.
        """
        today = spending.c.day == day.isoformat()
        rows = [
            {
                "day": day.isoformat(),
                "model": model,
                "tenant": tenant,
                "replica": replica,
                "cost": cost,
                "written_at": at,
            }
            for (model, tenant), cost in own.items()
        ]
        others = (
            select(spending.c.model, spending.c.tenant, func.sum(spending.c.cost).label("cost"))
            .where(today, spending.c.replica != replica)
            .group_by(spending.c.model, spending.c.tenant)
        )
        oldest = (day - timedelta(days=DAYS_KEPT)).isoformat()
        with self._engine.begin() as connection:
            connection.execute(delete(spending).where(spending.c.replica == replica, today))
            connection.execute(delete(spending).where(spending.c.day < oldest))
            if rows:
                connection.execute(insert(spending), rows)
            return {(row.model, row.tenant): float(row.cost) for row in connection.execute(others)}
