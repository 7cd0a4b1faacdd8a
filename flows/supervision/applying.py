"""Store what was decided, once."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4

import structlog

from flows.supervision.desk import Desk
from lifecycle.errors import Conflict
from lifecycle.evidence import Evidence
from lifecycle.outcome import PAGES, Outcome, decision_of
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.verdict import Verdict
from stores.ledger.changes import Changes
from stores.ledger.decisions import Decisions
from stores.ledger.plans import WHOLE_PLAN

ACTOR = "flow:supervise"
log = structlog.get_logger()


def apply(
    desk: Desk, outcome: Outcome, plan: TrafficPlan, policy: Policy, now: datetime, *, evidence: Evidence | None = None
) -> bool:
    """Store an outcome with the evidence to judge it again, and page; return whether it was stored now.

    What changes no plan, an alarm, is named by what it says: a second time for one plan revision stores nothing.
    Raises Conflict when the plan has changed meanwhile; nothing is stored then.
    """
    decision_id = _name(plan, outcome) if outcome.plan is None else uuid4().hex
    if outcome.plan is None and _stored(desk, decision_id):
        return False
    decision = decision_of(
        outcome,
        plan,
        decision_id=decision_id,
        policy_revision=policy.revision(),
        actor=ACTOR,
        decided_at=now,
        evidence=_recorded(plan, policy, now, evidence),
    )
    try:
        Changes(desk.engine).apply(decision, now, outcome.plan, outcome.stages)
    except Conflict:
        if outcome.plan is None and _stored(desk, decision_id):
            return False
        raise
    log.info("decided", model=desk.model, version=outcome.version, action=str(outcome.action), reason=outcome.reason)
    if outcome.action in PAGES:
        desk.page(decision)
    return True


def _recorded(plan: TrafficPlan, policy: Policy, now: datetime, evidence: Evidence | None) -> Mapping[str, object]:
    recorded: dict[str, object] = {
        "policy": policy.model_dump(mode="json"),
        "plan": WHOLE_PLAN.dump_python(plan, mode="json"),
        "now": now.isoformat(),
    }
    return recorded if evidence is None else {"evidence": evidence.model_dump(mode="json"), **recorded}


def _stored(desk: Desk, decision_id: str) -> bool:
    return Decisions(desk.engine).known(decision_id)


def _name(plan: TrafficPlan, outcome: Outcome) -> str:
    against = sorted(finding.rule_id for finding in outcome.findings if finding.verdict is Verdict.FAIL)
    said = "/".join((plan.model, str(plan.revision), outcome.action, outcome.version, *against))
    return hashlib.sha256(said.encode()).hexdigest()[:32]
