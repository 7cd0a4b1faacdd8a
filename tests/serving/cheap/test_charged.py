"""What each row costs, and whose budget it is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lifecycle.plan import TrafficPlan
from lifecycle.prices_policy import Budget, BudgetsPolicy, TenantBudget
from lifecycle.priority import Priority
from lifecycle.tenants import Role, Tenant
from serving.budgets.spending import Spending
from serving.doors.door import Door
from serving.doors.guests import Guests, guests_of
from serving.routes import Application
from stores.ledger.opening import open_ledger
from stores.ledger.spending import SpendingRecords
from stores.ledger.tenants import Tenants
from tests.serving.cheap.conftest import CACHE, CASCADE, PRICES, SURE, UNSURE, fail, on_trial, stand, tiers
from tests.serving.conftest import MODEL, Bench, flight


@dataclass
class Known:
    """Who is known."""

    guests: Guests | None


def test_every_row_has_the_cost_of_its_tier(make_bench: Callable[..., Bench]) -> None:
    """By the policy's prices, for small, version and cache in one request."""
    bench = stand(make_bench(cascade=CASCADE, cache=CACHE, prices=PRICES))
    tiers(bench, UNSURE)
    tiers(bench, UNSURE, SURE, flight(distance_miles=1336.0))
    first, *others = bench.log.rows()
    assert (first["tier"], first["cost"]) == ("model", 1.0)
    others.sort(key=lambda row: row["row"])
    assert [(row["tier"], row["cost"]) for row in others] == [
        ("cache", 0.001),
        ("small", 0.1),
        ("model", 1.0),
    ]


def test_compute_is_charged_to_the_rows_it_was_for(make_bench: Callable[..., Bench]) -> None:
    """All costs together are the time that was measured; rows given again cost none."""
    seconds = PRICES.model_copy(
        update={
            "per_cpu_second": 1e6,
            "per_1000_answers": PRICES.per_1000_answers.model_copy(
                update=dict.fromkeys(("model", "small", "cache"), 0)
            ),
        }
    )
    bench = stand(make_bench(prices=seconds))
    tiers(bench, UNSURE, SURE)
    rows = bench.log.rows()
    assert sum(row["cost"] for row in rows) == pytest.approx(rows[0]["features_us"] + rows[0]["predict_us"])
    mixed = stand(make_bench(prices=seconds, cascade=CASCADE, cache=CACHE))
    tiers(mixed, flight(flight=9, distance_miles=100.0))
    tiers(mixed, flight(flight=9, distance_miles=100.0), UNSURE, SURE)
    by_tier = {row["tier"]: row for row in mixed.log.rows()[1:]}
    cost = {tier: row["cost"] for tier, row in by_tier.items()}
    assert cost["cache"] == 0
    assert cost["model"] > cost["small"] > 0
    measured = by_tier["model"]["features_us"] + by_tier["model"]["predict_us"] + by_tier["small"]["predict_us"]
    assert sum(cost.values()) <= measured + 2


@pytest.mark.parametrize("away", ["previous", "rule", "static"])
def test_every_tier_behind_the_champion_is_charged(make_bench: Callable[..., Bench], away: str) -> None:
    """By its own price; the champion's attempt costs its time, which has no price here."""
    bench = make_bench(prices=PRICES)
    plan = TrafficPlan(MODEL, revision=2, champion="2", previous="1" if away == "previous" else None)
    arm = stand(bench, plan).models.lane(MODEL, None)[1].arm
    bench.stand_up._arms[MODEL]["2"] = replace(arm, small=None)
    stand(bench, replace(plan, revision=3))
    fail(bench)
    bench.shelf.away = away == "static"
    assert tiers(bench, UNSURE) == [away]
    price = {"previous": 1.0, "rule": 0.01, "static": 0.005}[away]
    assert [row["cost"] for row in bench.log.rows() if row["shown"]] == [price]
    assert all(row["cost"] == 0 for row in bench.log.rows() if not row["shown"])


@pytest.fixture
def spending(tmp_path: Path) -> Spending:
    """Return what was spent today: nothing."""
    return Spending(SpendingRecords(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")), "replica-a")


def budgeted(make_bench: Callable[..., Bench], spending: Spending, **more: Any) -> Bench:
    """Return a bench whose callers may spend 2.5 a day."""
    then = more.pop("then", "downgrade")
    budgets = BudgetsPolicy(tenants=(), everyone_else=Budget(per_day=2.5, then=then))
    bench = make_bench(prices=PRICES, budgets=budgets, **more)
    bench.stand_up.spending = spending
    return stand(bench)


def test_spent_budget_is_answered_by_the_small_model(make_bench: Callable[..., Bench], spending: Spending) -> None:
    """Whether it is sure or not, and that is charged too."""
    bench = budgeted(make_bench, spending)
    assert [tiers(bench, UNSURE) for _ in range(4)] == [["model"], ["model"], ["model"], ["small"]]
    assert spending.spent(MODEL, None) == pytest.approx(3.1)
    assert [row["cost"] for row in bench.log.rows()] == [1.0, 1.0, 1.0, 0.1]


def test_spent_budget_is_refused_where_the_policy_says_so(make_bench: Callable[..., Bench], spending: Spending) -> None:
    """With a problem that says what was spent, and when to ask again."""
    bench = budgeted(make_bench, spending, then="refuse")
    for _ in range(3):
        tiers(bench, UNSURE)
    refused = bench.predict(UNSURE)
    assert refused.status_code == 429
    assert refused.json()["type"] == "/docs#problem-budget-spent"
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert len(bench.log.rows()) == 3


def test_downgraded_answers_are_given_again_but_never_kept(
    make_bench: Callable[..., Bench], spending: Spending
) -> None:
    """A caller who can pay must not get what one got who cannot."""
    bench = budgeted(make_bench, spending, cache=CACHE)
    kept, other = flight(flight=1, distance_miles=1500.0), flight(flight=2, distance_miles=1500.0)
    for number in range(3, 5):
        tiers(bench, flight(flight=number, distance_miles=1500.0))
    assert tiers(bench, kept) == ["model"]
    assert tiers(bench, kept) == ["cache"]
    assert tiers(bench, other) == ["small"]
    assert tiers(bench, other) == ["small"]


def test_while_a_canary_stands_downgraded_requests_stay_with_the_champion(
    make_bench: Callable[..., Bench], spending: Spending
) -> None:
    """The canary is judged by requests that it may answer."""
    bench = budgeted(make_bench, spending)
    on_trial(bench, 0.5)
    spending.add(MODEL, None, np.array([100.0]))
    rows = [flight(tail_number=f"N{number}") for number in range(100, 120)]
    assert set(tiers(bench, *rows)) == {"small"}
    assert {row["arm"] for row in bench.log.rows()} == {"champion"}


def test_rule_answers_for_a_version_without_a_small_model(make_bench: Callable[..., Bench], spending: Spending) -> None:
    """Where there is nothing between the two."""
    bench = budgeted(make_bench, spending)
    served, lane = bench.models.lane(MODEL, None)
    bare = replace(lane.arm, small=None)
    bench.stand_up._arms[MODEL]["2"] = bare
    stand(bench, TrafficPlan(MODEL, revision=served.plan.revision + 1, champion="2", previous=None))
    spending.add(MODEL, None, np.array([100.0]))
    assert tiers(bench, UNSURE) == ["rule"]
    assert bench.log.rows()[-1]["cost"] == pytest.approx(0.01)


def test_keys_say_whose_budget_it_is(make_bench: Callable[..., Bench], tmp_path: Path) -> None:
    """Each tenant has its own, known by its key; a job of one that has spent its own would be refused, too."""
    tenants = Tenants(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}"))
    keys = {}
    for name in ("acme", "umbrella"):
        tenants.add(Tenant(name, 1000.0, 1000, Priority.STANDARD))
        keys[name] = {"x-api-key": tenants.issue(name, Role.PREDICT, None)[1]}
    door = Door(Known(guests_of(tenants.roster())), required=True)
    spending = Spending(SpendingRecords(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")), "replica-a")
    budgets = BudgetsPolicy(
        tenants=(TenantBudget(tenant="acme", per_day=1, then="downgrade"),),
        everyone_else=Budget(per_day=1, then="refuse"),
    )
    bench = make_bench(prices=PRICES, budgets=budgets)
    bench.stand_up.spending = spending
    stand(bench)
    bench.application = Application(bench.models, door=door)
    assert tiers(bench, UNSURE, headers=keys["acme"]) == ["model"]
    assert tiers(bench, UNSURE, headers=keys["acme"]) == ["small"]
    assert tiers(bench, UNSURE, headers=keys["umbrella"]) == ["model"]
    turned_away = bench.ask("POST", f"/v2/models/{MODEL}/predict", json={"rows": [UNSURE]}, headers=keys["umbrella"])
    assert (turned_away.status_code, turned_away.json()["type"]) == (429, "/docs#problem-budget-spent")
    assert [(row["tenant"], row["cost"]) for row in bench.log.rows()] == [
        ("acme", 1.0),
        ("acme", 0.1),
        ("umbrella", 1.0),
    ]
    lines = door.refusals.counters().lines()
    assert [(line.labels, line.values[0]) for line in lines] == [(("umbrella", "standard", "budget-spent"), 1.0)]
