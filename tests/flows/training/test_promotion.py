"""From verdict to champion, also when somebody else moves the plan at the same time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from flows.training.promotion import Promotion
from lifecycle.contract import Contract, Field, FieldType
from lifecycle.errors import ArtifactInvalid, Conflict, Unavailable
from lifecycle.evaluation import Evaluation, Measured, Metrics
from lifecycle.manifest import Example, Manifest
from lifecycle.policy import Policy
from lifecycle.stages import Stage
from lifecycle.verdict import Verdict
from stores.ledger.decisions import Decisions
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.standings import Standings
from stores.registry import Registry

NOW = datetime(2020, 4, 1, tzinfo=UTC)
MANIFEST = Manifest(
    model="toy",
    format="xgboost-ubj",
    model_file="model.ubj",
    contract=Contract(
        model="toy", version=1, fields=(Field(name="a", type=FieldType.STRING, description="A", example="x"),)
    ),
    feature_service="toy_v1",
    vector=("x",),
    example=Example(request=({"a": "x"},), features=((1.0,),), scores=(0.5,)),
    files={"model.ubj": "0" * 64},
)


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
        self.pointed: dict[tuple[str, str], str] = {}

    def set_tag(self, model: str, version: str, key: str, value: str) -> None:
        """Keep a tag."""
        if self.down:
            raise Unavailable("the registry is down")
        self.written[model, version, key] = value

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Keep an alias."""
        self.pointed[model, alias] = version


class Bench:
    """A promotion on a real ledger, with an evaluation that can be made to race."""

    def __init__(self, engine: Engine, registry: TagBook) -> None:
        self.plans = Plans(engine)
        self.decisions = Decisions(engine)
        self.standings = Standings(engine)
        self.promotion = Promotion(engine, registry, StoppedClock())
        self.champion_log_loss = 0.5
        self.overtaking: list[str] = []
        self.asked: list[str | None] = []

    def judge(self, policy: Policy, version: str) -> Verdict:
        """Judge a version."""
        return self.promotion.judge(policy, version, MANIFEST, self.evaluate).verdict

    def stage(self, version: str) -> Stage:
        """Return where a version stands."""
        return self.standings.get("toy", version).stage

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


def test_first_version_that_passes_becomes_champion_and_is_mirrored(
    bench: Bench, registry: TagBook, policy: Policy
) -> None:
    """There is nobody to stand beside; the ledger is written first, tags and alias follow for people."""
    assert bench.judge(policy, "1") is Verdict.PASS
    plan = bench.plans.current("toy")
    assert (plan.champion, plan.previous, plan.revision) == ("1", None, 1)
    assert (plan.champion_since_revision, plan.champion_since_at) == (1, NOW)
    assert bench.stage("1") is Stage.CHAMPION
    assert registry.pointed == {("toy", "champion"): "1"}
    assert (registry.written["toy", "1", "stage"], registry.written["toy", "1", "gate"]) == ("champion", "passed")


def test_version_that_passes_beside_a_champion_waits_for_its_shadow(
    bench: Bench, registry: TagBook, policy: Policy
) -> None:
    """Figures on old data let it in; traffic it earns."""
    bench.judge(policy, "1")
    assert bench.judge(policy, "2") is Verdict.PASS
    plan = bench.plans.current("toy")
    assert (plan.champion, plan.revision) == ("1", 1)
    standing = bench.standings.get("toy", "2")
    assert (standing.stage, standing.manifest) == (Stage.REGISTERED, MANIFEST)
    assert sorted(decision.action for decision in bench.decisions.of("toy")) == ["admit", "promote"]
    assert registry.written["toy", "2", "gate"] == "passed"
    assert registry.pointed == {("toy", "champion"): "1"}


def test_version_that_fails_is_rejected(bench: Bench, registry: TagBook, policy: Policy) -> None:
    """The ledger says so, and MLflow to people."""
    bench.judge(policy, "1")
    bench.champion_log_loss = 0.1
    assert bench.judge(policy, "2") is Verdict.FAIL
    assert bench.stage("2") is Stage.REJECTED
    assert (registry.written["toy", "2", "stage"], registry.written["toy", "2", "gate"]) == ("rejected", "failed")


def test_version_whose_files_cannot_be_trusted_is_rejected_unmeasured(
    bench: Bench, registry: TagBook, policy: Policy
) -> None:
    """The reason is the error's."""
    bench.promotion.refuse(policy, "1", MANIFEST, ArtifactInvalid("model.ubj was altered"))
    (decision,) = bench.decisions.of("toy")
    assert (decision.action, decision.verdict, decision.reason) == ("reject", Verdict.ERROR, "model.ubj was altered")
    assert bench.stage("1") is Stage.REJECTED
    assert registry.written["toy", "1", "gate"] == "failed"


def test_plan_that_moved_meanwhile_is_judged_anew(bench: Bench, policy: Policy) -> None:
    """A version is judged beside the champion that stands, and only the judgement that counts is stored."""
    bench.overtaking = ["7"]
    assert bench.judge(policy, "1") is Verdict.PASS
    assert bench.asked == [None, "7"]
    plan = bench.plans.current("toy")
    assert (plan.champion, plan.revision) == ("7", 1)
    assert [(made.plan_revision, made.action) for made in bench.decisions.of("toy")] == [(1, "admit")]
    assert bench.stage("1") is Stage.REGISTERED


def test_new_champion_that_is_better_keeps_its_place(bench: Bench, policy: Policy) -> None:
    """Judged anew, the version may well be rejected."""
    bench.overtaking, bench.champion_log_loss = ["7"], 0.1
    assert bench.judge(policy, "1") is Verdict.FAIL
    assert bench.plans.current("toy").champion == "7"
    assert bench.stage("1") is Stage.REJECTED


def test_plan_that_moves_twice_ends_in_a_conflict(bench: Bench, policy: Policy) -> None:
    """Two changes during one training are a matter for a person."""
    bench.overtaking = ["8", "7"]
    with pytest.raises(Conflict, match="read the plan again"):
        bench.judge(policy, "1")
    assert bench.plans.current("toy").champion == "8"
    assert bench.standings.of("toy") == {}


def test_registry_that_is_down_does_not_undo_a_promotion(bench: Bench, registry: TagBook, policy: Policy) -> None:
    """The ledger holds the truth; people see it in MLflow later."""
    registry.down = True
    assert bench.judge(policy, "1") is Verdict.PASS
    assert bench.plans.current("toy").champion == "1"
