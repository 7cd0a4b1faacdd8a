"""Gather everything that the rules of one arm ask about, as counts and sums."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pandas as pd

from flows.supervision.labels import NONE_KNOWN, Labels
from flows.supervision.measuring import measure
from flows.supervision.reports import dropped, live_reports, memory, trouble
from flows.supervision.rows import Sides, TrialRows, read_trial
from flows.supervision.slices import in_slices, slice_values
from flows.supervision.sources import Sources
from flows.supervision.trial import Trial, trial_of
from lifecycle.evidence import Evidence, Level, RuleEvidence, SliceEvidence
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.rollout_policy import NEEDS_LABELS, ArmName, RolloutPolicy, RolloutRule


def gather(
    sources: Sources, plan: TrafficPlan, arm: ArmName, policy: Policy, until: datetime | None = None
) -> Evidence:
    """Return what was seen of an arm since its trial began, of the champion in its window of wall time.

    With `until`, only rows served by then count, and no replica is asked: what they say is about now. Raises
    NotFound when nothing stands in the arm.
    """
    trial, rules = trial_of(plan, arm), policy.rollout.rules_of(arm)
    sliced = any(rule.when.in_slices_of for rule in rules)
    window = timedelta(hours=policy.rollout.champion.window_hours)
    after = (until or datetime.now(UTC)) - window if arm == "champion" else None
    more = ("request", "contract") if sliced else ()
    rows = read_trial(sources.log, plan.model, trial, more=more, after=after, until=until)
    labels = _labels(sources, rows) if _needs_labels(policy.rollout, rules, trial, plan) else NONE_KNOWN
    sides = _described(sources, rows.sides, labels, sliced=sliced)
    reports = live_reports(sources.arms, plan.model) if until is None else ()
    level = memory(reports, trial)
    return Evidence(
        arm=arm,
        version=trial.version,
        baseline=trial.baseline,
        since_revision=trial.since_revision,
        since_at=trial.since_at or sources.now,
        until_at=sources.now,
        labels_until_at=labels.until_at,
        answers=len(rows.attempts),
        labelled=int(rows.attempts["example_id"].isin(labels.by_example.index).sum()),
        dropped=dropped(reports, trial),
        trouble=trouble(reports, trial),
        rules=tuple(RuleEvidence(rule_id=rule.id, slices=tuple(_slices(rule, sides, level, policy))) for rule in rules),
    )


def _slices(rule: RolloutRule, sides: Sides, level: Level, policy: Policy) -> Iterator[SliceEvidence]:
    condition = rule.when
    if condition.metric == "memory_mb":
        yield SliceEvidence(where="", measured=level)
        return
    if not condition.in_slices_of:
        yield SliceEvidence(where="", measured=measure(condition, sides, policy))
        return
    for where, part in in_slices(sides, condition.in_slices_of, condition.slices_at_most or 0):
        yield SliceEvidence(where=where, measured=measure(condition, part, policy))


def _needs_labels(rollout: RolloutPolicy, rules: Sequence[RolloutRule], trial: Trial, plan: TrafficPlan) -> bool:
    if any(rule.when.metric in NEEDS_LABELS for rule in rules):
        return True
    if trial.arm == "champion":
        return False
    if trial.arm == "shadow":
        return rollout.shadow.minimum_labels > 0
    return plan.canary is not None and any(step.minimum_labels for step in rollout.canary.steps)


def _labels(sources: Sources, rows: TrialRows) -> Labels:
    moments = rows.attempts["moment_at"].dropna()
    if moments.empty:
        return NONE_KNOWN
    first, last = moments.min().to_pydatetime(), moments.max().to_pydatetime()
    return sources.labels.of(sources.definition, sources.events, first, last, sources.now)


def _described(sources: Sources, sides: Sides, labels: Labels, *, sliced: bool) -> Sides:
    def describe(rows: pd.DataFrame) -> pd.DataFrame:
        told = rows.assign(label=rows["example_id"].map(labels.by_example).astype("float64"))
        return told.join(slice_values(sources.definition, rows["request"], rows["contract"])) if sliced else told

    return Sides(describe(sides.candidate), None if sides.baseline is None else describe(sides.baseline), sides.paired)
