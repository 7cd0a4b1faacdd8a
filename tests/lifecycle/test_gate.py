"""The offline gate: what serves, what does not, and the numbers in its reasons."""

from collections.abc import Mapping
from itertools import product

import pytest

from lifecycle.decision_policy import DecisionPolicy
from lifecycle.evaluation import Evaluation, Measured, Metrics
from lifecycle.gate import EVIDENCE_RULE, decide_gate
from lifecycle.policy import (
    BoosterPolicy,
    CostPolicy,
    GateRequirement,
    GateRule,
    Policy,
    ServingPolicy,
    TrainingPolicy,
)
from lifecycle.verdict import Verdict
from tests.policies import IDEMPOTENCY, JOBS, PEOPLE, PICK_UP, RESOURCES, RETRAINING, TIERS, WATCHING, small_rollout

AUC_FLOOR = GateRequirement(metric="auc", at_least=0.6)
CALIBRATED = GateRequirement(metric="calibration_error", at_most=0.05)
BEATS_LINE = GateRequirement(metric="log_loss", better_than="logistic_regression", by_at_least=0.01)
RANKS_ABOVE_CHAMPION = GateRequirement(metric="auc", better_than="champion", by_at_least=0.0)
BY_PLACE = GateRequirement(metric="auc", at_least=0.55, in_slices_of=("place",), minimum_rows=100)
BEATS_RULE_BY_PLACE = GateRequirement(
    metric="cost_per_row", better_than="rule", by_at_least=0.0, in_slices_of=("place",), minimum_rows=100
)


def policy(*requirements: GateRequirement) -> Policy:
    """Return a policy with the given gate, rules named rule-0, rule-1 and so on."""
    return Policy(
        model="toy",
        owner="owners",
        serving=ServingPolicy(
            max_rows_per_request=1,
            max_body_bytes=1,
            max_batch_rows=1,
            max_added_wait_ms=0,
            max_queued_requests=1,
            feature_cache_seconds=0,
        ),
        resources=RESOURCES,
        tiers=TIERS,
        idempotency=IDEMPOTENCY,
        decision=DecisionPolicy(threshold=0.25, positive="yes", negative="no", overrides=(), safety_filters=()),
        cost=CostPolicy(false_alarm=1, missed=3),
        training=TrainingPolicy(
            window_days=90,
            validation_days=30,
            label_maturity_hours=24,
            minimum_rows=100,
            minimum_validation_rows=500,
            seed=1,
            rounds=10,
            parameters=BoosterPolicy(
                max_depth=3, learning_rate=0.1, subsample=1, colsample_bytree=1, min_child_weight=1, reg_lambda=1
            ),
        ),
        offline_gate=tuple(
            GateRule(id=f"rule-{number}", require=require, because="so it was decided")
            for number, require in enumerate(requirements)
        ),
        pick_up=PICK_UP,
        rollout=small_rollout("unit"),
        watching=WATCHING,
        retraining=RETRAINING,
        jobs=JOBS,
        people=PEOPLE,
    )


def metrics(
    rows: int = 1000,
    auc: float | None = 0.7,
    log_loss: float | None = 0.5,
    calibration_error: float | None = 0.02,
    cost_per_row: float | None = 0.4,
) -> Metrics:
    """Return plausible metrics with some of them set."""
    return Metrics(
        rows=rows,
        positives=rows // 4,
        auc=auc,
        average_precision=0.5,
        brier=0.15,
        log_loss=log_loss,
        calibration_error=calibration_error,
        cost_per_row=cost_per_row,
    )


def measured(overall: Metrics, places: Mapping[str, Metrics] | None = None) -> Measured:
    """Return a scorer's measurement, with slices by place when given."""
    return Measured(overall=overall, slices={} if places is None else {"place": places})


def evaluation(
    candidate: Measured,
    logistic_regression: Measured | None = None,
    rule: Measured | None = None,
    champion: Measured | None = None,
    absent: Mapping[str, str] | None = None,
    *,
    first_version: bool = False,
) -> Evaluation:
    """Return an evaluation with the rivals that are given."""
    rivals = {"logistic_regression": logistic_regression, "rule": rule, "champion": champion}
    return Evaluation.model_validate(
        {
            "candidate": candidate,
            "rivals": {name: found for name, found in rivals.items() if found is not None},
            "absent": absent or {},
            "first_version": first_version,
        }
    )


@pytest.mark.parametrize(
    ("require", "candidate", "verdict", "reason"),
    [
        (AUC_FLOOR, metrics(auc=0.61), "pass", "auc is 0.6100; at least 0.6 required"),
        (AUC_FLOOR, metrics(auc=0.6), "pass", "auc is 0.6000; at least 0.6 required"),
        (AUC_FLOOR, metrics(auc=0.5999), "fail", "auc is 0.5999; at least 0.6 required"),
        (CALIBRATED, metrics(calibration_error=0.05), "pass", "calibration_error is 0.0500; at most 0.05 required"),
        (CALIBRATED, metrics(calibration_error=0.06), "fail", "calibration_error is 0.0600; at most 0.05 required"),
        (AUC_FLOOR, metrics(auc=None), "inconclusive", "auc is undefined over 1000 rows with 250 positives"),
    ],
)
def test_limit_is_held_against_the_value(
    require: GateRequirement, candidate: Metrics, verdict: str, reason: str
) -> None:
    """A limit is kept up to and including itself, and the reason carries metric, value and limit."""
    outcome = decide_gate(evaluation(measured(candidate)), policy(require))
    assert outcome.verdict == verdict
    assert outcome.findings[1].reason == reason


@pytest.mark.parametrize(
    ("mine", "its", "verdict"),
    [(0.50, 0.52, "pass"), (0.50, 0.505, "fail"), (0.50, 0.50, "fail"), (0.52, 0.50, "fail")],
)
def test_rival_must_be_beaten_by_the_margin(mine: float, its: float, verdict: str) -> None:
    """Lower log-loss wins, but only by at least what the policy asks."""
    found = evaluation(measured(metrics(log_loss=mine)), logistic_regression=measured(metrics(log_loss=its)))
    finding = decide_gate(found, policy(BEATS_LINE)).findings[1]
    assert finding.verdict == verdict
    assert f"log_loss is {mine:.4f} against the logistic regression's {its:.4f}" in finding.reason
    assert "at least 0.01 required" in finding.reason
    assert finding.limit == pytest.approx(its - 0.01)


@pytest.mark.parametrize(("mine", "its", "verdict"), [(0.71, 0.7, "pass"), (0.7, 0.7, "fail"), (0.69, 0.7, "fail")])
def test_equal_of_the_champion_is_not_better(mine: float, its: float, verdict: str) -> None:
    """With a margin of 0, a version must still be better than what serves; higher AUC wins."""
    found = evaluation(measured(metrics(auc=mine)), champion=measured(metrics(auc=its)))
    assert decide_gate(found, policy(RANKS_ABOVE_CHAMPION)).verdict == verdict


def test_first_version_has_no_champion_to_beat() -> None:
    """Where nothing serves yet, the champion rule passes and says why."""
    found = evaluation(measured(metrics()), absent={"champion": "no version serves yet"}, first_version=True)
    outcome = decide_gate(found, policy(RANKS_ABOVE_CHAMPION))
    assert outcome.verdict is Verdict.PASS
    assert outcome.findings[1].reason == "no champion stands yet, so there is none to beat"


def test_champion_that_could_not_be_measured_holds_the_gate() -> None:
    """A champion that stands but has no figures is missing evidence, never a pass."""
    found = evaluation(measured(metrics()), absent={"champion": "version 3 cannot be loaded"})
    outcome = decide_gate(found, policy(RANKS_ABOVE_CHAMPION))
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "no figures of the champion: version 3 cannot be loaded" in outcome.reason


@pytest.mark.parametrize(("rows", "verdict"), [(499, "inconclusive"), (500, "pass")])
def test_thin_evidence_never_passes(rows: int, verdict: str) -> None:
    """Below the policy's number of judged rows, good figures are not enough."""
    outcome = decide_gate(evaluation(measured(metrics(rows=rows))), policy(AUC_FLOOR))
    assert outcome.verdict == verdict
    assert outcome.findings[0].rule_id == EVIDENCE_RULE
    assert outcome.findings[0].reason == f"{rows} validation rows; at least 500 needed"


def test_thin_evidence_of_harm_still_fails() -> None:
    """A rule that fails outranks the lack of evidence."""
    outcome = decide_gate(evaluation(measured(metrics(rows=10, auc=0.3))), policy(AUC_FLOOR))
    assert outcome.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("places", "verdict", "words"),
    [
        ({"A": metrics(auc=0.6), "B": metrics(auc=0.56)}, "pass", "2 of 2 slices pass, 0 too thin"),
        ({"A": metrics(auc=0.6), "B": metrics(auc=0.5)}, "fail", "place B: auc is 0.5000; at least 0.55 required"),
        ({"A": metrics(auc=0.6), "B": metrics(99, auc=0.1)}, "pass", "1 of 1 slices pass, 1 too thin to judge"),
        ({"A": metrics(auc=0.6), "B": metrics(auc=None)}, "inconclusive", "place B: auc is undefined"),
        ({"A": metrics(99), "B": metrics(99)}, "inconclusive", "none of 2 slices has 100 rows"),
        ({}, "inconclusive", "none of 0 slices has 100 rows"),
        (None, "inconclusive", "no figures by place; slices measured: none"),
    ],
)
def test_slice_that_is_left_behind_stops_the_gate(
    places: Mapping[str, Metrics] | None, verdict: str, words: str
) -> None:
    """Every slice with enough rows must hold the limit; the reason names those that do not."""
    outcome = decide_gate(evaluation(measured(metrics(), places)), policy(BY_PLACE))
    assert outcome.verdict == verdict
    assert words in outcome.findings[1].reason


def test_worst_slice_gives_the_number() -> None:
    """The finding's value is that of the slice furthest below the limit."""
    places = {"A": metrics(auc=0.5), "B": metrics(auc=0.4), "C": metrics(auc=0.9)}
    finding = decide_gate(evaluation(measured(metrics(), places)), policy(BY_PLACE)).findings[1]
    assert (finding.value, finding.limit) == (0.4, 0.55)
    assert "place A" in finding.reason
    assert "place B" in finding.reason
    assert "place C" not in finding.reason


@pytest.mark.parametrize(("its", "verdict"), [({"A": metrics(cost_per_row=0.5)}, "pass"), ({}, "inconclusive")])
def test_slices_are_compared_with_the_same_slice_of_the_rival(its: Mapping[str, Metrics], verdict: str) -> None:
    """A rival without figures for a slice leaves that comparison open."""
    found = evaluation(measured(metrics(), {"A": metrics(cost_per_row=0.4)}), rule=measured(metrics(), its))
    assert decide_gate(found, policy(BEATS_RULE_BY_PLACE)).verdict == verdict


@pytest.mark.parametrize(("fails", "is_open"), list(product([False, True], repeat=2)))
def test_gate_is_as_bad_as_its_worst_rule(*, fails: bool, is_open: bool) -> None:
    """Fail outranks inconclusive, which outranks pass; the reason tells only what stands against."""
    requirements = [AUC_FLOOR, *([CALIBRATED] if fails else []), *([RANKS_ABOVE_CHAMPION] if is_open else [])]
    outcome = decide_gate(evaluation(measured(metrics(calibration_error=0.5))), policy(*requirements))
    expected = Verdict.FAIL if fails else Verdict.INCONCLUSIVE if is_open else Verdict.PASS
    assert outcome.verdict is expected
    assert ("calibration_error" in outcome.reason) == fails
    assert ("champion" in outcome.reason) == is_open
    if expected is Verdict.PASS:
        assert outcome.reason == "passes all 2 rules of the offline gate"


def test_decision_can_be_made_again_from_its_stored_evidence() -> None:
    """Evaluation and policy survive JSON, and give the same outcome."""
    places = {"A": metrics(auc=0.5), "B": metrics(auc=None)}
    found = evaluation(measured(metrics(), places), logistic_regression=measured(metrics(log_loss=0.6)))
    written = policy(AUC_FLOOR, BEATS_LINE, BY_PLACE)
    again = decide_gate(
        Evaluation.model_validate_json(found.model_dump_json()), Policy.model_validate_json(written.model_dump_json())
    )
    assert again == decide_gate(found, written)


def test_rival_both_measured_and_absent_is_refused() -> None:
    """An evaluation that contradicts itself is no evidence."""
    with pytest.raises(ValueError, match="rule cannot be both measured and absent"):
        evaluation(measured(metrics()), rule=measured(metrics()), absent={"rule": "not asked"})
