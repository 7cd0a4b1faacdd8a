"""Holdfast's judge over one simulated rollout: `decide_rollout` on the evidence of each look."""

from datetime import UTC, datetime, timedelta

import numpy as np

from lifecycle.evidence import Evidence, Latencies, Means, Measured, Rates, RuleEvidence, SliceEvidence, Tally
from lifecycle.judge.split import trial_proof
from lifecycle.outcome import Action, Outcome
from lifecycle.plan import CanaryArm, ShadowArm, TrafficPlan, empty_plan
from lifecycle.policy import Policy
from lifecycle.rollout import decide_rollout
from tests.bench.judge.bench_policy import SLICES
from tests.bench.judge.canary_stream import CanaryStream
from tests.bench.judge.screening import canary_looks, shadow_looks
from tests.bench.judge.shadow_stream import ShadowStream
from tests.bench.judge.verdicts import StageEnd

START = datetime(2013, 4, 1, tzinfo=UTC)
LOOKS_AT_ONCE = 1000
FORWARD = frozenset({Action.START_CANARY, Action.ADVANCE, Action.PROMOTE})
BACK = frozenset({Action.REJECT, Action.ROLL_BACK})


def first_plan() -> TrafficPlan:
    """Return champion 1 with version 2 in shadow."""
    return empty_plan("m").promote("1", START).start_shadow("2", START)


def judge_shadow(plan: TrafficPlan, policy: Policy, stream: ShadowStream) -> tuple[StageEnd, TrafficPlan]:
    """Return how the shadow stage ends, and the plan that follows."""
    for look in shadow_looks(stream, trial_proof(policy.rollout)).tolist():
        outcome = decide_shadow_at(plan, policy, stream, look)
        if outcome.plan is not None:
            return _ended(outcome, int(stream.rows[look])), outcome.plan
    return StageEnd("held", int(stream.rows[-1])), plan


def judge_step(plan: TrafficPlan, policy: Policy, stream: CanaryStream) -> tuple[StageEnd, TrafficPlan]:
    """Return how a canary step ends, and the plan that follows."""
    proofs = trial_proof(policy.rollout)
    for start in range(0, stream.rows.size, LOOKS_AT_ONCE):
        stop = min(start + LOOKS_AT_ONCE, stream.rows.size)
        for look in canary_looks(stream, proofs, start, stop).tolist():
            outcome = decide_step_at(plan, policy, stream, look)
            if outcome.plan is not None:
                return _ended(outcome, int(stream.rows[look])), outcome.plan
    return StageEnd("held", int(stream.rows[-1])), plan


def decide_step_at(plan: TrafficPlan, policy: Policy, stream: CanaryStream, look: int) -> Outcome:
    """Return what the judge decides after one batch."""
    now = plan.canary.since_at + timedelta(hours=float(stream.hours[look])) if plan.canary else START
    return decide_rollout(plan, policy, _canary_evidence(plan, stream, look), now)


def decide_shadow_at(plan: TrafficPlan, policy: Policy, stream: ShadowStream, look: int) -> Outcome:
    """Return what the judge decides at one look."""
    now = START + timedelta(hours=float(stream.hours[look]))
    return decide_rollout(plan, policy, _shadow_evidence(plan, stream, look), now)


def _ended(outcome: Outcome, rows: int) -> StageEnd:
    if outcome.action in FORWARD:
        return StageEnd("passed", rows)
    return StageEnd("rolled back" if outcome.action in BACK else "held", rows)


def _canary_evidence(plan: TrafficPlan, stream: CanaryStream, look: int) -> Evidence:
    known = look >= stream.mark_known_at
    ours, theirs = (
        Tally(events=int(slow[look]), observations=int(of[look]))
        for slow, of in zip(stream.at_mark, stream.batches, strict=True)
    )
    latencies = Latencies(
        mark_ms=stream.mark_ms if known else None,
        at_mark=Rates(candidate=ours, baseline=theirs),
        beyond=Tally(events=int(stream.beyond[look]), observations=ours.observations),
    )
    rates = [
        Rates(candidate=candidate, baseline=baseline)
        for candidate, baseline in zip(*(_tallies(stream, side, look) for side in (0, 1)), strict=True)
    ]
    rules = (
        _whole("canary-errors", rates[SLICES]),
        _sliced("canary-errors-by-slice", rates[:SLICES]),
        _whole("canary-latency", latencies),
    )
    rows = int(stream.rows[look])
    return _evidence(plan, plan.canary, (rows, 0), float(stream.hours[look]), rules)


def _tallies(stream: CanaryStream, side: int, look: int) -> list[Tally]:
    pairs = zip(stream.events[side][look].tolist(), stream.observations[side][look].tolist(), strict=True)
    return [Tally(events=events, observations=observations) for events, observations in pairs]


def _shadow_evidence(plan: TrafficPlan, stream: ShadowStream, look: int) -> Evidence:
    rows, labelled = int(stream.rows[look]), int(stream.labelled[look])
    failed = [Tally(events=int(side[look]), observations=rows) for side in stream.only_one_failed]
    sums = [_means(stream, look, scope) for scope in range(SLICES + 1)]
    rules = (
        _whole("shadow-errors", Rates(candidate=failed[0], baseline=failed[1])),
        _whole("shadow-quality", sums[SLICES]),
        _sliced("shadow-quality-by-slice", sums[:SLICES]),
    )
    return _evidence(plan, plan.shadow, (rows, labelled), float(stream.hours[look]), rules)


def _means(stream: ShadowStream, look: int, scope: int) -> Means:
    one, two, three, four = stream.totals[look, scope].tolist()
    return Means(
        clusters=int(stream.clusters[look]),
        totals=(one, two, three, four),
        products=tuple(np.asarray(stream.products[look, scope]).tolist()),
    )


def _whole(rule_id: str, measured: Measured) -> RuleEvidence:
    return RuleEvidence(rule_id=rule_id, slices=(SliceEvidence(where="", measured=measured),))


def _sliced(rule_id: str, measured: list[Rates] | list[Means]) -> RuleEvidence:
    slices = tuple(SliceEvidence(where=f"slice={number}", measured=one) for number, one in enumerate(measured))
    return RuleEvidence(rule_id=rule_id, slices=slices)


def _evidence(
    plan: TrafficPlan,
    arm: CanaryArm | ShadowArm | None,
    answered_and_labelled: tuple[int, int],
    hours: float,
    rules: tuple[RuleEvidence, ...],
) -> Evidence:
    if arm is None:
        raise AssertionError("the plan has no such arm")
    return Evidence(
        arm="canary" if isinstance(arm, CanaryArm) else "shadow",
        version=arm.version,
        baseline=plan.champion,
        since_revision=arm.since_revision,
        since_at=arm.since_at,
        until_at=arm.since_at + timedelta(hours=hours),
        labels_until_at=None,
        answers=answered_and_labelled[0],
        labelled=answered_and_labelled[1],
        dropped=0,
        trouble=(),
        rules=rules,
    )
