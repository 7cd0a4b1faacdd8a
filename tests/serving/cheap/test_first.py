"""Who answers which row where something cheaper may, and what is in the log of it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from feature_repo.definition import Columns
from lifecycle.cache_policy import CachePolicy, Tolerance
from lifecycle.errors import Unavailable
from lifecycle.plan import CanaryArm, ShadowArm, TrafficPlan
from lifecycle.prices_policy import Budget, BudgetsPolicy, TenantBudget
from lifecycle.priority import Priority
from lifecycle.tenants import Role, Tenant
from serving.budgets.spending import Spending
from serving.doors.door import Door
from serving.doors.guests import Guests, guests_of
from serving.models import ServedModel
from serving.rollout.workers import Job, Workers
from serving.routes import Application
from stores.ledger.opening import open_ledger
from stores.ledger.spending import SpendingRecords
from stores.ledger.tenants import Tenants
from tests.serving.cheap.conftest import CASCADE, PRICES, SURE, UNSURE, bands, stand
from tests.serving.conftest import MODEL, Bench, Found, Row, flight

CACHE = CachePolicy(keep_seconds=60, keep_answers=100, tolerances=())
NEAR = CachePolicy(keep_seconds=60, keep_answers=100, tolerances=(Tolerance(feature="route_miles", within=50),))
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class Known:
    """Who is known."""

    guests: Guests | None


def tiers(bench: Bench, *rows: Row, **more: Any) -> list[str]:
    """Return each row's tier in the answer, which must be the log's."""
    answer = bench.ask("POST", f"/v2/models/{MODEL}/predict", json={"rows": list(rows)}, **more)
    assert answer.status_code == 200, answer.text
    predictions = answer.json()["predictions"]
    said = [one["tier"] for one in predictions]
    logged = {row["prediction_id"]: row for row in bench.log.rows()}
    mine = [logged[one["prediction_id"]] for one in predictions]
    assert [row["tier"] for row in mine] == said
    assert [row["score"] for row in mine] == [one["probability"] for one in predictions]
    assert [row["decision"] for row in mine] == [one["decision"] for one in predictions]
    return said


def counted(bench: Bench) -> list[int]:
    """Have the champion tell of each matrix it scores, by its rows."""
    served, lane = bench.models.lane(MODEL, None)
    rows: list[int] = []
    predict = lane.arm.predictor.predict

    def told(matrix: np.ndarray) -> np.ndarray:
        rows.append(len(matrix))
        return predict(matrix)

    # A frozen value, changed in place: the stage holds this very predictor.
    object.__setattr__(lane.arm.predictor, "predict", told)
    assert isinstance(served, ServedModel)
    return rows


def test_small_model_answers_what_it_is_sure_of_and_the_version_the_rest(make_bench: Callable[..., Bench]) -> None:
    """In one request, in its order; the version never sees the sure rows."""
    bench = stand(make_bench(cascade=CASCADE))
    asked = counted(bench)
    rows = [flight(distance_miles=float(one)) for one in range(50, 3000, 100)]
    said = tiers(bench, *rows)
    assert set(said) == {"small", "model"}
    assert asked == [said.count("model")]
    scores = np.array([row["score"] for row in bench.log.rows()])
    sure = bands(bench).sure(scores)
    assert sure[np.array(said) == "small"].all()
    assert said[0] == said[-1] == "small"


def test_sure_rows_alone_do_not_ask_the_version_at_all(make_bench: Callable[..., Bench]) -> None:
    """And the answer as a whole is the small model's."""
    bench = stand(make_bench(cascade=CASCADE))
    asked = counted(bench)
    assert tiers(bench, SURE, SURE) == ["small", "small"]
    assert asked == []
    inputs = bench.ask("POST", f"/v2/models/{MODEL}/predict", json={"rows": [SURE]}).json()
    assert inputs["version"] == "2"


def test_without_a_cascade_the_version_answers_everything(make_bench: Callable[..., Bench]) -> None:
    """Off by default, though the small model stands."""
    bench = stand(make_bench())
    assert tiers(bench, SURE, UNSURE) == ["model", "model"]
    assert bench.models.lane(MODEL, None)[1].arm.small is not None


def test_version_asked_for_by_its_name_answers_itself(make_bench: Callable[..., Bench]) -> None:
    """Whoever names a version wants that version."""
    bench = stand(make_bench(cascade=CASCADE, cache=CACHE))
    path = f"/v2/models/{MODEL}/versions/1/predict"
    for _ in range(2):
        answer = bench.ask("POST", path, json={"rows": [SURE]}).json()
        assert answer["predictions"][0]["tier"] == "model"


def test_several_requests_of_one_batch_get_their_own_rows(make_bench: Callable[..., Bench]) -> None:
    """Requests that arrive together are told apart."""
    bench = stand(make_bench(cascade=CASCADE))
    path = f"/v2/models/{MODEL}/predict"
    bodies = [[SURE], [UNSURE, SURE], [UNSURE]]
    answers = bench.ask_all([("POST", path, {"json": {"rows": rows}}) for rows in bodies])
    said = [[one["tier"] for one in answer.json()["predictions"]] for answer in answers]
    assert said == [["small"], ["model", "small"], ["model"]]


def test_small_model_rests_while_a_version_is_in_shadow(make_bench: Callable[..., Bench]) -> None:
    """The rows that it would leave to the champion are not like the others."""
    bench = stand(make_bench(cascade=CASCADE))
    plan = TrafficPlan(MODEL, revision=3, champion="2", previous=None, shadow=ShadowArm("1", 3, NOW))
    assert tiers(stand(bench, plan), SURE) == ["model"]


def test_same_request_is_answered_again_without_features_or_version(make_bench: Callable[..., Bench]) -> None:
    """With the same score, the features of then, and an id of its own."""
    bench = stand(make_bench(cache=CACHE))
    asked = counted(bench)
    assert tiers(bench, UNSURE) == ["model"]
    assert tiers(bench, UNSURE) == ["cache"]
    assert (asked, bench.shelf.batches) == ([1], [1])
    first, again = bench.log.rows()
    assert first["prediction_id"] != again["prediction_id"]
    same = ("score", "features", "feature_at", "defaulted", "request", "example_id", "decision", "version", "moment_at")
    assert {name: first[name] for name in same} == {name: again[name] for name in same}


def test_only_new_rows_of_a_request_are_computed(make_bench: Callable[..., Bench]) -> None:
    """The others are between them where they were asked."""
    bench = stand(make_bench(cache=CACHE))
    rows = [flight(flight=number, tail_number="N00000" if number == 2 else "N14228") for number in range(1, 5)]
    tiers(bench, rows[1], rows[3])
    bench.shelf.batches.clear()
    alone = [bench.predict(row).json()["predictions"][0] for row in rows]
    bench = stand(make_bench(cache=CACHE))
    tiers(bench, rows[1], rows[3])
    bench.shelf.batches.clear()
    answer = bench.predict(*rows).json()["predictions"]
    assert [one["tier"] for one in answer] == ["model", "cache", "model", "cache"]
    assert bench.shelf.batches == [2]
    for one, other in zip(answer, alone, strict=True):
        assert (one["probability"], one["defaulted"]) == (other["probability"], other["defaulted"])


def test_caller_who_asks_for_a_new_answer_gets_one(make_bench: Callable[..., Bench]) -> None:
    """Of no-cache the answer is kept for others; of no-store nothing is."""
    bench = stand(make_bench(cache=CACHE))
    assert tiers(bench, UNSURE, headers={"cache-control": "no-store"}) == ["model"]
    assert tiers(bench, UNSURE, headers={"cache-control": "no-cache"}) == ["model"]
    assert tiers(bench, UNSURE, headers={"cache-control": "no-cache"}) == ["model"]
    assert tiers(bench, UNSURE) == ["cache"]


def test_near_vectors_count_as_one_by_the_declared_tolerance(make_bench: Callable[..., Bench]) -> None:
    """Another flight number, a few miles more: the features are read, and the version is not asked."""
    bench = stand(make_bench(cache=NEAR))
    asked = counted(bench)
    first, near, far = (flight(flight=n, distance_miles=m) for n, m in ((1, 1500.0), (2, 1510.0), (3, 1700.0)))
    assert tiers(bench, first) == ["model"]
    assert tiers(bench, near, far) == ["cache", "model"]
    assert asked == [1, 1]
    one, other = (row for row in bench.log.rows() if '"flight":3' not in row["request"])
    assert one["score"] == other["score"]
    assert one["features"] != other["features"]


def test_without_tolerances_near_is_not_the_same(make_bench: Callable[..., Bench]) -> None:
    """Only what was declared."""
    bench = stand(make_bench(cache=CACHE))
    assert tiers(bench, flight(flight=1)) == ["model"]
    assert tiers(bench, flight(flight=2)) == ["model"]


def test_another_plan_begins_with_nothing_kept(make_bench: Callable[..., Bench]) -> None:
    """What a version answered is no other version's answer."""
    bench = stand(make_bench(cache=CACHE))
    tiers(bench, UNSURE)
    stand(bench, TrafficPlan(MODEL, revision=3, champion="1", previous="2"))
    assert tiers(bench, UNSURE) == ["model"]
    assert bench.log.rows()[-1]["version"] == "1"


def fail(bench: Bench) -> None:
    """Have the champion fail from here on."""
    _, lane = bench.models.lane(MODEL, None)

    def fails(_: np.ndarray) -> np.ndarray:
        raise ValueError("no")

    object.__setattr__(lane.arm.predictor, "predict", fails)


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


def test_rows_that_a_failing_version_had_go_to_the_next_tier(make_bench: Callable[..., Bench]) -> None:
    """What something cheaper had of the same request stays its own, and the failed attempt is in the log beside."""
    bench = stand(make_bench(cascade=CASCADE, prices=PRICES))
    fail(bench)
    assert tiers(bench, SURE, UNSURE) == ["small", "previous"]
    logged = sorted((row["row"], row["tier"], row["version"], row["outcome"], row["cost"]) for row in bench.log.rows())
    assert logged == [
        (0, "small", "2", "answered", 0.1),
        (1, "model", "2", "failed", 0.0),
        (1, "previous", "1", "answered", 1.0),
    ]
    assert tiers(bench, SURE) == ["small"]


def test_request_that_comes_to_nothing_logs_nothing_cheap(make_bench: Callable[..., Bench]) -> None:
    """The rows that something cheaper had are not given without the rest."""
    bench = stand(make_bench(cascade=CASCADE))
    append = bench.log.append

    def without_champion(batch: pa.RecordBatch) -> None:
        if "model" in batch["tier"].to_pylist():
            raise Unavailable("no space left on device")
        append(batch)

    object.__setattr__(bench.log, "append", without_champion)
    assert bench.predict(SURE, UNSURE).status_code == 503
    assert bench.log.rows() == []


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


@pytest.mark.parametrize("kept", [True, False])
def test_cheap_answers_start_no_thread(
    make_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch, *, kept: bool
) -> None:
    """With features in memory; without, one reads them, which is none of the version's own."""
    bench = stand(make_bench(cascade=CASCADE, cache=CACHE))
    bench.shelf.kept = kept
    own = bench.models.lane(MODEL, None)[1].arm.workers
    asked: list[Workers] = []
    submit = Workers.submit

    def told(workers: Workers, job: Job) -> bool:
        asked.append(workers)
        return submit(workers, job)

    monkeypatch.setattr(Workers, "submit", told)
    assert tiers(bench, SURE) == ["small"]
    assert len(asked) == (0 if kept else 1)
    assert own not in asked
    asked.clear()
    assert tiers(bench, SURE) == ["cache"]
    assert asked == []
    assert tiers(bench, UNSURE) == ["model"]
    assert asked.count(own) == 1


def test_late_features_are_not_waited_for(make_bench: Callable[..., Bench]) -> None:
    """Whoever needs none answers within the champion's time for them."""
    bench = stand(make_bench(cascade=CASCADE, champion_ms=50))
    gate = threading.Event()
    read = bench.shelf.read

    def slow(request: Columns) -> Found:
        gate.wait(10)
        return read(request)

    object.__setattr__(bench.shelf, "read", slow)
    try:
        assert tiers(bench, SURE) == ["static"]
    finally:
        gate.set()


def test_hung_version_holds_up_nothing_cheap(make_bench: Callable[..., Bench]) -> None:
    """Rows of other requests of the same micro-batch are answered before it comes back, or does not."""
    bench = stand(make_bench(cascade=CASCADE, champion_ms=200))
    _, lane = bench.models.lane(MODEL, None)
    gate = threading.Event()

    def hangs(matrix: np.ndarray) -> np.ndarray:
        gate.wait(10)
        return np.zeros(len(matrix))

    object.__setattr__(lane.arm.predictor, "predict", hangs)
    path = f"/v2/models/{MODEL}/predict"
    try:
        bench.ask_all([("POST", path, {"json": {"rows": [row]}}) for row in (SURE, UNSURE)])
    finally:
        gate.set()
    first, *others = bench.log.rows()
    assert first["tier"] == "small"
    assert {row["tier"] for row in others} == {"model", "previous"}


def test_small_model_that_fails_leaves_all_to_the_version(make_bench: Callable[..., Bench]) -> None:
    """Nobody is told of an error that somebody else can answer."""
    bench = stand(make_bench(cascade=CASCADE))
    _, lane = bench.models.lane(MODEL, None)

    def fails(_: np.ndarray) -> np.ndarray:
        raise ValueError("no")

    assert lane.arm.small is not None
    object.__setattr__(lane.arm.small, "predict", fails)
    assert tiers(bench, SURE, UNSURE) == ["model", "model"]


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
    plan = TrafficPlan(MODEL, revision=3, champion="2", previous=None, canary=CanaryArm("1", 0, 0.5, 3, NOW, 3))
    for _ in range(100):
        served = bench.stand_up(plan)
        if not served.loading:
            break
    bench.models.put(served)
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


def test_rows_of_a_canary_s_request_are_cheap_where_the_champion_answers(make_bench: Callable[..., Bench]) -> None:
    """Parts of parts come back to their own places, and under their own numbers in the log."""
    bench = make_bench(cascade=CASCADE)
    plan = TrafficPlan(MODEL, revision=3, champion="2", previous=None, canary=CanaryArm("1", 0, 0.4, 3, NOW, 3))
    for _ in range(100):
        served = bench.stand_up(plan)
        if not served.loading:
            break
    bench.models.put(served)
    bench.log.batches.clear()
    rows = [
        flight(tail_number=f"N{number}", distance_miles=float(SURE["distance_miles"] or 0) if number % 2 else 1336.0)
        for number in range(100, 130)
    ]
    said = tiers(bench, *rows)
    logged = sorted(bench.log.rows(), key=lambda row: row["row"])
    assert [row["row"] for row in logged] == list(range(len(rows)))
    assert [row["tier"] for row in logged] == said
    assert [row["request"] for row in logged] == [
        row["request"] for row in sorted(logged, key=lambda row: rows.index(_asked(row, rows)))
    ]
    assert {row["tier"] for row in logged if row["arm"] == "champion"} == {"small", "model"}
    assert {row["tier"] for row in logged if row["arm"] != "champion"} == {"model"}


def _asked(logged: dict[str, Any], rows: list[Row]) -> Row:
    (found,) = (row for row in rows if f'"{row["tail_number"]}"' in logged["request"])
    return found


def test_kept_answers_need_no_features(make_bench: Callable[..., Bench]) -> None:
    """What was not kept has no more than the fixed answer while the features are away."""
    bench = stand(make_bench(cache=CACHE))
    tiers(bench, UNSURE)
    bench.shelf.away = True
    assert tiers(bench, UNSURE) == ["cache"]
    path = f"/v2/models/{MODEL}/predict"
    answers = bench.ask_all([("POST", path, {"json": {"rows": rows}}) for rows in ([UNSURE], [SURE])])
    said = [[one["tier"] for one in answer.json()["predictions"]] for answer in answers]
    assert said == [["cache"], ["static"]]


def test_shadow_sees_the_champion_s_own_rows_alone(make_bench: Callable[..., Bench]) -> None:
    """Answers given again were shown to it when they were new."""
    bench = make_bench(cache=CACHE)
    plan = TrafficPlan(MODEL, revision=3, champion="2", previous=None, shadow=ShadowArm("1", 3, NOW))
    stand(bench, plan)
    seen: list[Any] = []

    class Mirror:
        def offer(self, batch: Any) -> None:
            seen.append(batch.column("tier").to_pylist())

    bench.models.serving()[0].mirror.mirror = Mirror()
    tiers(bench, UNSURE)
    tiers(bench, UNSURE, SURE)
    assert seen == [["model"], ["model"]]
