"""Judge a stored decision again, from nothing but the evidence that was stored with it."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from lifecycle.admission import Checkup, decide_admission
from lifecycle.errors import EvidenceMissing
from lifecycle.evaluation import Evaluation
from lifecycle.evidence import Evidence
from lifecycle.gate import decide_gate
from lifecycle.outcome import Action, Outcome
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.rollout import decide_rollout
from lifecycle.verdict import Decision, Verdict

PERSON = "person:"
"""How the actor of a person's decision begins."""
ADMITTING = frozenset({Action.ADMIT, Action.PROMOTE})
"""What passing the offline gate may do: which of the two, the plan says, not the rules."""

_PLAN = TypeAdapter(TrafficPlan)
_MOMENT = TypeAdapter(datetime)


@dataclass(frozen=True)
class Judged:
    """What the rules say: the verdict, the action that follows from it, and the reason with its numbers."""

    verdict: Verdict
    action: str
    reason: str


def is_a_persons(decision: Decision) -> bool:
    """Say whether a person decided, so that there are no rules to judge by again."""
    return decision.actor.startswith(PERSON)


def judge_again(decision: Decision) -> Judged:
    """Return what the stored policy says about the stored evidence now, with today's code.

    Raises EvidenceMissing for a decision that was not made by rules, or whose evidence this version cannot read.
    """
    stored = decision.evidence
    try:
        if "evaluation" in stored:
            return _judge_gate(decision, Evaluation.model_validate(stored["evaluation"]), _policy(decision))
        if "checkup" in stored:
            checkup = Checkup.model_validate(stored["checkup"])
            return _judged(decide_admission(decision.version, checkup, _policy(decision).pick_up))
        if "evidence" in stored:
            return _judge_rollout(decision)
    except (ValidationError, KeyError) as error:
        raise EvidenceMissing(
            f"decision {decision.decision_id} holds evidence that this version cannot read: {error}. "
            "Judge it with the version of Holdfast that made it"
        ) from error
    if "alarms" in stored:
        raise EvidenceMissing(
            f"decision {decision.decision_id} calls people for alarms that a look opened; `holdfast looks --json` has "
            "what was compared, and `holdfast alarms --all` how each one ended"
        )
    raise EvidenceMissing(
        f"decision {decision.decision_id} ({decision.action} by {decision.actor}) was not judged from measured "
        "evidence, so there is nothing to judge again"
    )


def _judge_gate(decision: Decision, evaluation: Evaluation, policy: Policy) -> Judged:
    outcome = decide_gate(evaluation, policy)
    if outcome.verdict is not Verdict.PASS:
        return Judged(outcome.verdict, Action.REJECT, outcome.reason)
    action = decision.action if decision.action in ADMITTING else Action.ADMIT
    return Judged(outcome.verdict, action, outcome.reason)


def _judge_rollout(decision: Decision) -> Judged:
    stored = decision.evidence
    return _judged(
        decide_rollout(
            _PLAN.validate_python(stored["plan"]),
            _policy(decision),
            Evidence.model_validate(stored["evidence"]),
            _MOMENT.validate_python(stored["now"]),
        )
    )


def _judged(outcome: Outcome) -> Judged:
    return Judged(outcome.verdict, outcome.action, outcome.reason)


def _policy(decision: Decision) -> Policy:
    return Policy.model_validate(decision.evidence["policy"])
