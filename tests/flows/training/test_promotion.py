"""From verdict to champion, also when somebody else moves the plan at the same time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from flows.training.promotion import Promotion
from lifecycle.errors import Conflict, Unavailable
from lifecycle.evaluation import Evaluation, Measured, Metrics
from lifecycle.policy import Policy
from lifecycle.verdict import Verdict
from stores.ledger.decisions import Decisions
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.registry import Registry

NOW = datetime(2020, 4, 1, tzinfo=UTC)


class StoppedClock:
    """A clock that stands."""

    def now(self) -> datetime:
        """Return the one moment."""
        return NOW


class TagBook(Registry):
    """A registry that keeps tags and aliases in memory, or is down."""

    def __init__(self, *, down: bool = False) -> None:
        super().__init__("http://nowhere.invalid")
        self.down = down
        self.written: dict[tuple[str, str, str], str] = {}
        self.aliases: dict[tuple[str, str], str] = {}

    def set_tag(self, model: str, version: str, key: str, value: str) -> None:
        """Keep a tag."""
        if self.down:
            raise Unavailable("the registry is down")
        self.written[model, version, key] = value

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Keep an alias."""
        self.aliases[model, alias] = version


class Bench:
    """A promotion on a real ledger, with an evaluation that can be made to race."""

    def __init__(self, engine: Engine, registry: TagBook) -> None:
        self.plans = Plans(engine)
        self.decisions = Decisions(engine)
        self.promotion = Promotion(self.plans, self.decisions, registry, StoppedClock())
        self.champion_log_loss = 0.5
        self.overtaking: list[str] = []
        self.asked: list[str | None] = []

    def evaluate(self, champion: str | None) -> Evaluation:
        """Measure beside a champion; while it lasts, another process may promote a version."""
        self.asked.append(champion)
        if self.overtaking:
            self.plans.write(self.plans.current("toy").promote(self.overtaking.pop(), NOW), NOW)
        rivals = {"logistic_regression": measured(0.6), "rule": measured(0.7)}
        if champion is not None:
            rivals["champion"] = measured(self.champion_log_loss)
        absent = {"champion": "no version serves yet"} if champion is None else {}
        return Evaluation.model_validate(
            {"candidate": measured(0.4), "rivals": rivals, "absent": absent, "first_version": champion is None}
        )


def measured(log_loss: float) -> Measured:
    """Return figures that pass every rule but those on log-loss and cost, which follow the number."""
    metrics = Metrics(
        rows=1000,
        positives=300,
        auc=0.9,
        average_precision=0.8,
        brier=0.1,
        log_loss=log_loss,
        calibration_error=0.01,
        cost_per_row=log_loss,
    )
    return Measured(overall=metrics, slices={"site": {"north": metrics}})


@pytest.fixture
def registry() -> TagBook:
    """Return a registry in memory."""
    return TagBook()


@pytest.fixture
def bench(tmp_path: Path, registry: TagBook) -> Iterator[Bench]:
    """Return a promotion on an empty ledger."""
    engine = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield Bench(engine, registry)
    engine.dispose()


def test_version_that_passes_becomes_champion_and_is_mirrored(bench: Bench, registry: TagBook, policy: Policy) -> None:
    """The plan is written first; tags and alias follow for people."""
    bench.promotion.judge(policy, "1", bench.evaluate)
    bench.promotion.judge(policy, "2", bench.evaluate)
    plan = bench.plans.current("toy")
    assert (plan.champion, plan.previous, plan.revision) == ("2", "1", 2)
    assert registry.aliases == {("toy", "champion"): "2"}
    assert registry.written["toy", "1", "stage"] == "retired"
    assert registry.written["toy", "2", "stage"] == "champion"
    assert bench.asked == [None, "1"]


def test_plan_that_moved_meanwhile_is_judged_anew(bench: Bench, policy: Policy) -> None:
    """A version is promoted over the champion it was measured against, never over another."""
    bench.overtaking = ["7"]
    outcome = bench.promotion.judge(policy, "1", bench.evaluate)
    assert outcome.verdict is Verdict.PASS
    assert bench.asked == [None, "7"]
    plan = bench.plans.current("toy")
    assert (plan.champion, plan.previous, plan.revision) == ("1", "7", 2)
    assert sorted(decision.plan_revision for decision in bench.decisions.of("toy")) == [0, 1]


def test_new_champion_that_is_better_keeps_its_place(bench: Bench, policy: Policy) -> None:
    """Judged anew, the version may well be rejected."""
    bench.overtaking, bench.champion_log_loss = ["7"], 0.1
    outcome = bench.promotion.judge(policy, "1", bench.evaluate)
    assert outcome.verdict is Verdict.FAIL
    assert bench.plans.current("toy").champion == "7"


def test_plan_that_moves_twice_ends_in_a_conflict(bench: Bench, policy: Policy) -> None:
    """Two changes during one training are a matter for a person."""
    bench.overtaking = ["8", "7"]
    with pytest.raises(Conflict, match="read the plan again"):
        bench.promotion.judge(policy, "1", bench.evaluate)
    assert bench.plans.current("toy").champion == "8"


def test_registry_that_is_down_does_not_undo_a_promotion(bench: Bench, registry: TagBook, policy: Policy) -> None:
    """The ledger holds the truth; people see it in MLflow later."""
    registry.down = True
    assert bench.promotion.judge(policy, "1", bench.evaluate).verdict is Verdict.PASS
    assert bench.plans.current("toy").champion == "1"
