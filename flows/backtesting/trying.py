"""Judge a recorded trial by other rules, look after look, until they would have acted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flows.backtesting.looks import Look
from flows.backtesting.trials import RecordedTrial
from flows.supervision.evidence import gather
from flows.supervision.sources import Sources
from lifecycle.evidence import Evidence
from lifecycle.outcome import Action, Outcome
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.verdict import Decision

Decide = Callable[[TrafficPlan, Policy, Evidence, datetime], Outcome]


@dataclass(frozen=True)
class Tried:
    """What was decided about a trial, and what other rules would have decided first.

    `action` is None when they would have waited at every look; `reason` is then the last look's.
    """

    trial: RecordedTrial
    recorded: Decision | None
    looks: int
    action: Action | None
    at: datetime | None
    reason: str

    @property
    def same(self) -> bool:
        """Whether the same would have been done, sooner or later."""
        return (None if self.recorded is None else self.recorded.action) == self.action


@dataclass(frozen=True)
class Trying:
    """Other rules, and the sources to ask them of."""

    policy: Policy
    sources: Sources
    decide: Decide


def try_trial(trial: RecordedTrial, recorded: Decision | None, looks: Sequence[Look], rules: Trying) -> Tried:
    """Return the first thing that other rules would have done at one of the looks."""
    said = "no predictions of it are in the log for this time"
    for count, look in enumerate(looks, start=1):
        plan = trial.plan_at(look.now)
        sources = replace(rules.sources, now=look.now)
        evidence = gather(sources, plan, trial.arm, rules.policy, until=look.until)
        outcome = rules.decide(plan, rules.policy, evidence, look.now)
        if outcome.action is not Action.WAIT:
            return Tried(trial, recorded, count, outcome.action, look.now, outcome.reason)
        said = outcome.reason
    return Tried(trial, recorded, len(looks), None, None, said)
