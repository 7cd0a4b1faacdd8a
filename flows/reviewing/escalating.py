"""Call people for the answers that waited for a person longer than the policy lets them, once."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from sqlalchemy import Engine

from lifecycle.outcome import Action
from lifecycle.policy import Policy
from lifecycle.review import Reviewed
from lifecycle.review_policy import ReviewPolicy
from lifecycle.verdict import Decision, Finding, Verdict
from stores.ledger.decisions import Decisions
from stores.ledger.escalations import Escalations
from stores.ledger.plans import Plans

ACTOR = "flow:review"
RULE = "review-overdue"
SECONDS_PER_HOUR = 3600.0

log = structlog.get_logger()


def escalate_overdue(
    engine: Engine, policy: Policy, page: Callable[[Decision], None], now: datetime, decided_at: datetime
) -> tuple[str, ...]:
    """Call people for every unsure answer that is overdue, and return the decisions that did; all new ones are one.

    `now` is the machine's time, by which answers wait, `decided_at` the flows' clock. Killed at any point and begun
    again, it calls nobody twice: the decision is named by the reviews, and the page by the decision.
    Raises Conflict when another process calls for the same just now.
    """
    escalations = Escalations(engine)
    if policy.review is not None:
        late = escalations.overdue(policy.model, now)
        if late:
            revision = Plans(engine).current(policy.model).revision
            escalations.escalate(late, _call(late, policy, policy.review, revision, now=now, decided_at=decided_at))
    told = escalations.untold(policy.model)
    for decision_id in told:
        page(Decisions(engine).get(decision_id))
        escalations.mark_told(decision_id, now)
        log.info("reviews_escalated", model=policy.model, decision=decision_id)
    return told


def _call(
    late: Sequence[Reviewed],
    policy: Policy,
    review: ReviewPolicy,
    plan_revision: int,
    *,
    now: datetime,
    decided_at: datetime,
) -> Decision:
    oldest = min(one.served_at for one in late)
    waited = (now - oldest).total_seconds() / SECONDS_PER_HOUR
    ids = sorted(one.prediction_id for one in late)
    count = f"{len(late):,} unsure answer{'' if len(late) == 1 else 's'}"
    reason = (
        f"{count} of {policy.model} waited more than {review.answer_within_hours:g} hours for a person, the oldest "
        f"{waited:.1f} hours; {review.escalate_to} is to see that somebody answers: `holdfast review next --model "
        f"{policy.model}`"
    )
    return Decision(
        decision_id=hashlib.sha256("/".join(ids).encode()).hexdigest()[:32],
        model=policy.model,
        version=late[0].version,
        action=Action.ALARM,
        verdict=Verdict.FAIL,
        reason=reason,
        findings=(Finding(RULE, Verdict.FAIL, waited, review.answer_within_hours, reason),),
        policy_revision=policy.revision(),
        plan_revision=plan_revision,
        actor=ACTOR,
        decided_at=decided_at,
        evidence={"reviews": ids, "policy": policy.model_dump(mode="json")},
    )
