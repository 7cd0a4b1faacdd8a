"""What answers cost, and how much of it each tenant may spend."""

from typing import Annotated, Literal, Self

from pydantic import Field as Limit
from pydantic import model_validator

from lifecycle.misfit import Misplaced, Where, repeated
from lifecycle.section import NotNegative, PositiveNumber, Section

WhenSpent = Literal["downgrade", "refuse"]


class TierPrices(Section):
    """The price of 1,000 answers of each tier, in the policy's own unit."""

    model: NotNegative
    previous: NotNegative
    small: NotNegative
    rule: NotNegative
    static: NotNegative
    cache: NotNegative


class PricesPolicy(Section):
    """What an answer costs: its share of a tier's price, and the seconds that were computed for it."""

    per_1000_answers: TierPrices
    per_cpu_second: NotNegative


class Budget(Section):
    """What may be spent in a day (UTC), and what follows when it is: cheaper answers, or none until the day ends."""

    per_day: PositiveNumber
    then: WhenSpent


class TenantBudget(Budget):
    """One tenant's budget."""

    tenant: Annotated[str, Limit(min_length=1)]


class BudgetsPolicy(Section):
    """Budgets by tenant; `everyone_else` is what each tenant has that is not named here, None for no limit.

    Callers who need not say who they are have one such budget together.
    """

    tenants: tuple[TenantBudget, ...]
    everyone_else: Budget | None = None

    @model_validator(mode="after")
    def _tenants_are_named_once(self) -> Self:
        named: dict[Where, str] = {("tenants", at, "tenant"): one.tenant for at, one in enumerate(self.tenants)}
        misfits = repeated(named)
        if misfits:
            raise Misplaced(misfits)
        return self
