"""Log rows that say what they cost, as the policy prices them, and that count towards budgets."""

from collections.abc import Mapping
from functools import partial

from lifecycle.charging import charges_of
from lifecycle.policy import Policy
from serving.budgets.spending import Spending
from serving.log_batch import LogBatches


def charged_batches(constants: Mapping[str, str | int | None], policy: Policy, spending: Spending | None) -> LogBatches:
    """Return the maker of log rows of one stage; `constants` are as LogBatches has them."""
    prices = policy.serving.prices
    if prices is None:
        return LogBatches(constants)
    budgeted = spending is not None and policy.serving.budgets is not None
    spent = partial(spending.add, policy.model) if budgeted and spending is not None else None
    return LogBatches(constants, charges_of(prices), spent)
