"""What answers cost, and when a cheaper one is given, as English sentences."""

from collections.abc import Iterator

from lifecycle.cache_policy import CachePolicy
from lifecycle.explaining_rules import in_hundred, listed
from lifecycle.policy import ServingPolicy
from lifecycle.prices_policy import Budget, BudgetsPolicy, PricesPolicy, WhenSpent

TIERS = {
    "model": "by the version",
    "previous": "by the version before it",
    "small": "by the small model",
    "rule": "by the rule",
    "static": "by a fixed word",
    "cache": "given again",
}
SPENT: dict[WhenSpent, str] = {
    "downgrade": "answers are given again or come from the small model or the rule",
    "refuse": "requests are refused",
}


def explain_costs(serving: ServingPolicy) -> tuple[str, ...]:
    """Return what answers cost, which of them are cheap, and what ends when a budget does; nothing where all is off."""
    return tuple(_sentences(serving))


def _sentences(serving: ServingPolicy) -> Iterator[str]:
    if serving.prices is not None:
        yield from _prices(serving.prices)
    if serving.cascade is not None:
        cascade = serving.cascade
        yield (
            "What the small model is sure of it answers. Of these, at most "
            f"{in_hundred(cascade.decided_otherwise_at_most)} would be decided otherwise by the version, with a "
            f"confidence of {cascade.confidence * 100:g} percent. While a version is in shadow it rests."
        )
    if serving.cache is not None:
        yield from _cache(serving.cache)
    if serving.budgets is not None:
        yield from _budgets(serving.budgets)


def _prices(prices: PricesPolicy) -> Iterator[str]:
    told = [f"{getattr(prices.per_1000_answers, tier):,g} {words}" for tier, words in TIERS.items()]
    yield f"A thousand answers cost {listed(tuple(told))}, and a second of computing {prices.per_cpu_second:,g} more."


def _cache(cache: CachePolicy) -> Iterator[str]:
    yield (
        f"Each replica keeps up to {cache.keep_answers:,} answers for {cache.keep_seconds:,g} seconds and gives them "
        "again to the same question, unless the caller asks for a new one."
    )
    for one in cache.tolerances:
        yield f"Values of {one.feature.replace('_', ' ')} that lie within {one.within:,g} of each other count as one."


def _budgets(budgets: BudgetsPolicy) -> Iterator[str]:
    for one in budgets.tenants:
        yield _budget(one.tenant, one)
    if budgets.everyone_else is not None:
        who = "Each other tenant" if budgets.tenants else "Each tenant"
        yield _budget(who, budgets.everyone_else)


def _budget(who: str, budget: Budget) -> str:
    return f"{who} may spend {budget.per_day:,g} a day; beyond that {SPENT[budget.then]} until the day ends (UTC)."
