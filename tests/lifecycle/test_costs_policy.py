"""What a policy may say of prices, the cascade, the cache and budgets, and how it is read aloud."""

import re
from pathlib import Path

import pytest

from lifecycle.cache_policy import CachePolicy, Tolerance
from lifecycle.cascade_policy import CascadePolicy
from lifecycle.charging import charges_of
from lifecycle.explaining_costs import explain_costs
from lifecycle.fitting import tolerance_misfits
from lifecycle.policy import Policy
from lifecycle.prices_policy import Budget, BudgetsPolicy, TenantBudget
from lifecycle.section import Section
from stores.policies import read_policy

SHIPPED = read_policy(Path(__file__).parents[2] / "policies" / "flight_delay.yaml")
CASCADE = CascadePolicy(decided_otherwise_at_most=0.02, confidence=0.95)
CACHE = CachePolicy(keep_seconds=5, keep_answers=1000, tolerances=(Tolerance(feature="route_miles", within=50),))
BUDGETS = BudgetsPolicy(
    tenants=(TenantBudget(tenant="airport", per_day=500, then="downgrade"),),
    everyone_else=Budget(per_day=20, then="refuse"),
)
SPENT: dict[str, object] = {"cascade": CASCADE, "cache": CACHE, "budgets": BUDGETS}


def with_costs(**serving: object) -> Policy:
    """Return the shipped policy with other serving sections, checked as a file is."""
    document = SHIPPED.model_dump()
    for name, one in serving.items():
        document["serving"][name] = one.model_dump() if isinstance(one, Section) else one
    return Policy.model_validate(document)


def test_shipped_policy_has_prices_and_nothing_else_is_on() -> None:
    """A cascade, a cache and budgets are chosen, never there by themselves."""
    serving = SHIPPED.serving
    assert serving.prices is not None
    assert (serving.cascade, serving.cache, serving.budgets) == (None, None, None)


def test_budgets_without_prices_are_refused() -> None:
    """Nothing would ever be spent of them."""
    with pytest.raises(ValueError, match="budgets are there and prices are not"):
        with_costs(budgets=BUDGETS, prices=None)


def test_cascade_without_a_small_model_is_refused_where_it_stands() -> None:
    """Nothing would ever answer."""
    document = with_costs(cascade=CASCADE).model_dump()
    document["training"]["small"] = None
    with pytest.raises(ValueError, match=r"serving\.cascade: a small model is to answer"):
        Policy.model_validate(document)


def test_tenants_and_features_are_named_once() -> None:
    """Of two budgets for one tenant nobody could say which holds."""
    twice = BUDGETS.tenants * 2
    with pytest.raises(ValueError, match=r"'airport' is there already, in tenants\[0\]\.tenant"):
        BudgetsPolicy(tenants=twice)
    with pytest.raises(ValueError, match=r"'route_miles' is there already"):
        CachePolicy(keep_seconds=1, keep_answers=1, tolerances=CACHE.tolerances * 2)


def test_tolerance_for_an_unknown_feature_does_not_fit() -> None:
    """With the nearest name that would."""
    wrong = CACHE.model_copy(update={"tolerances": (Tolerance(feature="route_mile", within=50),)})
    (misfit,) = tolerance_misfits(with_costs(cache=wrong), ("route_miles", "hour"))
    assert str(misfit) == (
        "serving.cache.tolerances[0].feature: 'route_mile' is no feature of flight_delay; did you mean route_miles? "
        "Allowed: route_miles, hour"
    )
    assert list(tolerance_misfits(SHIPPED, ())) == []


def test_everything_is_said_aloud() -> None:
    """Every number with its meaning, and no key."""
    text = "\n".join(explain_costs(with_costs(**SPENT).serving))
    for words in (
        "A thousand answers cost 1 by the version, 1 by the version before it, 0.2 by the small model",
        "at most 2 in 100 would be decided otherwise by the version, with a confidence of 95 percent",
        "up to 1,000 answers for 5 seconds",
        "Values of route miles that lie within 50 of each other count as one.",
        "airport may spend 500 a day; beyond that answers are given again or come from the small model or the rule",
        "Each other tenant may spend 20 a day; beyond that requests are refused until the day ends (UTC).",
    ):
        assert words in text
    assert not re.search(r"[_{}\[\]]|None|True|False|\bnan\b", text)
    assert explain_costs(with_costs(prices=None).serving) == ()


def test_charge_is_price_and_time() -> None:
    """A failed attempt has its time alone."""
    assert SHIPPED.serving.prices is not None
    charges = charges_of(SHIPPED.serving.prices)
    assert charges.of("model", 0) == pytest.approx(0.001)
    assert charges.of("small", 1e6) == pytest.approx(0.0002 + 0.0006)
    assert charges.attempt(1e6) == pytest.approx(0.0006)
