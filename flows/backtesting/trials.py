"""The trials that a model's plans record: who stood in which arm, from when to when, and what ended it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flows.supervision.trial import trial_of
from lifecycle.errors import NotFound
from lifecycle.outcome import Action
from lifecycle.plan import TrafficPlan
from lifecycle.rollout_policy import ArmName
from lifecycle.verdict import Decision

ARMS: tuple[ArmName, ...] = ("shadow", "canary", "champion")
BEFORE_A_TRIAL = frozenset({Action.ADMIT, Action.START_SHADOW})


@dataclass(frozen=True)
class RecordedTrial:
    """A version in one arm, gathering one body of evidence: `plans` with the moments they were written, in order.

    `ended_at` is when the plan was written that ended it, None when it stands.
    """

    arm: ArmName
    version: str
    since_revision: int
    plans: tuple[tuple[TrafficPlan, datetime], ...]
    ended_at: datetime | None

    @property
    def began_at(self) -> datetime:
        """When its first plan was written."""
        return self.plans[0][1]

    def plan_at(self, moment: datetime) -> TrafficPlan:
        """Return the plan that stood at a moment within the trial."""
        standing = [plan for plan, written_at in self.plans if written_at <= moment]
        return standing[-1] if standing else self.plans[0][0]

    def revisions(self) -> tuple[int, int]:
        """Return its first and its last plan revision."""
        return self.plans[0][0].revision, self.plans[-1][0].revision


def recorded_trials(history: Sequence[tuple[TrafficPlan, datetime]], since: datetime) -> tuple[RecordedTrial, ...]:
    """Return every trial that had not ended by `since`, in the order in which they began."""
    groups: dict[tuple[ArmName, str, int], list[tuple[TrafficPlan, datetime]]] = {}
    for plan, written_at in history:
        for arm in ARMS:
            try:
                trial = trial_of(plan, arm)
            except NotFound:
                continue
            groups.setdefault((arm, trial.version, trial.since_revision), []).append((plan, written_at))
    written = {plan.revision: at for plan, at in history}
    trials = (
        RecordedTrial(arm, version, revision, tuple(plans), written.get(plans[-1][0].revision + 1))
        for (arm, version, revision), plans in groups.items()
    )
    return tuple(trial for trial in trials if trial.ended_at is None or trial.ended_at >= since)


def recorded_decision(trial: RecordedTrial, newest_first: Sequence[Decision]) -> Decision | None:
    """Return the first decision about a trial's version in its arm while it stood, None when there was none.

    `newest_first` are its model's decisions.
    """
    first, last = trial.revisions()
    about = [
        decision
        for decision in reversed(newest_first)
        if decision.version == trial.version
        and first <= decision.plan_revision <= last
        and decision.action not in BEFORE_A_TRIAL
        and _arm(decision, trial.arm) == trial.arm
    ]
    return about[0] if about else None


def _arm(decision: Decision, otherwise: ArmName) -> object:
    evidence = decision.evidence.get("evidence")
    return evidence.get("arm") if isinstance(evidence, dict) else otherwise
