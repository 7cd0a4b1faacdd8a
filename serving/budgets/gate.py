"""Whether a caller may still spend, and what it gets when not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from lifecycle.prices_policy import Budget, BudgetsPolicy
from serving.budgets.spending import Spending
from serving.caller import Caller
from serving.problem import Refused, refused


@dataclass(frozen=True)
class BudgetGate:
    """The budgets of one model's tenants; `cheaper` says that something cheaper than its versions stands."""

    model: str
    named: Mapping[str | None, Budget]
    everyone_else: Budget | None
    spending: Spending
    cheaper: bool
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def downgrades(self, caller: Caller, version: str | None) -> bool:
        """Return whether a caller is to be answered by cheaper tiers alone.

        Raises Refused with 429, and Retry-After at the end of the day, for one that has spent its budget, where the
        policy says so, where nothing cheaper stands, and for a `version` asked for by its name.
        """
        budget = self.named.get(caller.tenant, self.everyone_else)
        if budget is None:
            return False
        spent = self.spending.spent(self.model, caller.tenant)
        if spent < budget.per_day:
            return False
        if budget.then == "downgrade" and self.cheaper and version is None:
            return True
        raise self._refusal(caller, spent, budget)

    def require_left(self, caller: Caller) -> None:
        """Raise Refused as `downgrades` does for a caller that has spent its budget, where nobody may stand in."""
        budget = self.named.get(caller.tenant, self.everyone_else)
        if budget is not None and (spent := self.spending.spent(self.model, caller.tenant)) >= budget.per_day:
            raise self._refusal(caller, spent, budget)

    def _refusal(self, caller: Caller, spent: float, budget: Budget) -> Refused:
        whose = "Callers without a name have" if caller.tenant is None else f"Tenant {caller.tenant!r} has"
        detail = (
            f"{whose} spent {spent:g} with {self.model} today; allowed: {budget.per_day:g} a day, until midnight UTC. "
            "Ask again tomorrow, or have the model's owner raise the budget."
        )
        return refused(429, "budget-spent", detail, retry_after=self._until_midnight())

    def _until_midnight(self) -> int:
        now = self.now()
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return ceil((midnight - now).total_seconds())


def open_gate(
    model: str, budgets: BudgetsPolicy | None, spending: Spending | None, *, cheaper: bool
) -> BudgetGate | None:
    """Return the gate of a model's budgets, None where there are none."""
    if budgets is None or spending is None:
        return None
    named: dict[str | None, Budget] = {one.tenant: one for one in budgets.tenants}
    return BudgetGate(model, named, budgets.everyone_else, spending, cheaper)
