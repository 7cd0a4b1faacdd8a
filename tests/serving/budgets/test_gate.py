"""Who may still spend."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from lifecycle.prices_policy import Budget, BudgetsPolicy, TenantBudget
from serving.budgets.gate import BudgetGate, open_gate
from serving.budgets.spending import Spending
from serving.caller import ANYBODY, Caller
from serving.problem import Refused
from stores.ledger.opening import open_ledger
from stores.ledger.spending import SpendingRecords

BUDGETS = BudgetsPolicy(
    tenants=(
        TenantBudget(tenant="x", per_day=10, then="downgrade"),
        TenantBudget(tenant="y", per_day=10, then="refuse"),
    ),
    everyone_else=Budget(per_day=1, then="refuse"),
)
AT = datetime(2026, 1, 31, 23, 59, 30, 500000, tzinfo=UTC)


def gate(tmp_path: Path, budgets: BudgetsPolicy = BUDGETS, *, cheaper: bool = True) -> BudgetGate:
    """Return a gate at half a minute to midnight."""
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    spending = Spending(SpendingRecords(ledger), "a", lambda: AT)
    made = open_gate("m", budgets, spending, cheaper=cheaper)
    assert made is not None
    return BudgetGate(made.model, made.named, made.everyone_else, spending, cheaper, now=lambda: AT)


def spend(made: BudgetGate, tenant: str | None, cost: float) -> None:
    """Have a tenant spend something."""
    made.spending.add("m", [tenant], np.array([cost]))


def test_below_its_budget_a_tenant_has_the_version(tmp_path: Path) -> None:
    """And to the last cent of it."""
    made = gate(tmp_path)
    spend(made, "x", 9.99)
    assert not made.downgrades(Caller("x"), None)
    spend(made, "x", 0.01)
    assert made.downgrades(Caller("x"), None)


def test_spent_budget_is_refused_until_midnight_where_the_policy_says_so(tmp_path: Path) -> None:
    """With the sum, the limit, and when to come back."""
    made = gate(tmp_path)
    spend(made, "y", 12.5)
    with pytest.raises(Refused, match=r"Tenant 'y' has spent 12\.5 with m today; allowed: 10 a day") as refusal:
        made.downgrades(Caller("y"), None)
    problem = refusal.value.problem
    assert (problem.status, problem.kind, problem.retry_after) == (429, "budget-spent", 30)


def test_one_tenant_s_budget_is_not_another_s(tmp_path: Path) -> None:
    """A tenant who is not named has the budget of everyone else, each for itself."""
    made = gate(tmp_path)
    spend(made, "z", 1)
    with pytest.raises(Refused):
        made.downgrades(Caller("z"), None)
    assert not made.downgrades(Caller("w"), None)
    assert not made.downgrades(Caller("x"), None)


def test_callers_without_a_name_have_one_budget_together(tmp_path: Path) -> None:
    """On a gateway that is open to everybody."""
    made = gate(tmp_path)
    assert not made.downgrades(ANYBODY, None)
    spend(made, None, 1)
    with pytest.raises(Refused, match="Callers without a name have spent 1 with m"):
        made.downgrades(ANYBODY, None)


def test_without_a_limit_for_others_they_have_none(tmp_path: Path) -> None:
    """Only those that are named."""
    made = gate(tmp_path, BudgetsPolicy(tenants=BUDGETS.tenants))
    spend(made, "z", 1e9)
    assert not made.downgrades(Caller("z"), None)


def test_nothing_cheaper_means_nothing(tmp_path: Path) -> None:
    """A budget that is to be downgraded is refused where only the version could answer, or is asked for by name."""
    made = gate(tmp_path)
    spend(made, "x", 10)
    assert made.downgrades(Caller("x"), None)
    with pytest.raises(Refused):
        made.downgrades(Caller("x"), "1")
    bare = gate(tmp_path, cheaper=False)
    spend(bare, "x", 10)
    with pytest.raises(Refused):
        bare.downgrades(Caller("x"), None)


def test_what_is_answered_later_needs_what_is_left_of_the_budget(tmp_path: Path) -> None:
    """Nobody stands in for the version there, whatever the policy says of others."""
    made = gate(tmp_path)
    for tenant, cost in (("x", 9.9), ("y", 9.9)):
        spend(made, tenant, cost)
        made.require_left(Caller(tenant))
        spend(made, tenant, 0.1)
        with pytest.raises(Refused, match=f"Tenant '{tenant}' has spent 10 with m today"):
            made.require_left(Caller(tenant))


def test_without_budgets_there_is_no_gate() -> None:
    """Nothing is asked of any request."""
    assert open_gate("m", None, None, cheaper=True) is None
