"""Store what was decided, once."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from uuid import uuid4

import structlog

from flows.supervision.desk import Desk
from flows.supervision.onsets import Onset
from lifecycle.errors import Conflict
from lifecycle.evidence import Evidence
from lifecycle.outcome import PAGES, Outcome, decision_of
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.verdict import Decision, Verdict
from stores.ledger.changes import Changes
from stores.ledger.decisions import Decisions
from stores.ledger.plans import WHOLE_PLAN
from stores.ledger.signals import Signals

ACTOR = "flow:supervise"
log = structlog.get_logger()


def apply(
    desk: Desk, outcome: Outcome, plan: TrafficPlan, policy: Policy, now: datetime, *, evidence: Evidence | None = None
) -> bool:
    """Store an outcome with the evidence to judge it again, and page; return whether it was stored now.

    What changes no plan, an alarm, is told once for a plan revision and for as long as it goes on (see Onset). Raises
    Conflict when the plan has changed meanwhile; nothing is stored then.
    """

    def store(decision_id: str) -> None:
        decision = decision_of(
            outcome,
            plan,
            decision_id=decision_id,
            policy_revision=policy.revision(),
            actor=ACTOR,
            decided_at=now,
            evidence=_recorded(plan, policy, now, evidence),
        )
        Changes(desk.engine).apply(decision, now, outcome.plan, outcome.stages)
        _tell(desk, decision)

    if outcome.plan is not None:
        store(uuid4().hex)
        return True
    onset = Onset(Signals(desk.engine), _said(plan, outcome), datetime.now(UTC))
    told = _told_now(desk, onset, store)
    onset.ring()
    return told


def _told_now(desk: Desk, onset: Onset, store: Callable[[str], None]) -> bool:
    """Store an alarm unless it was told; return whether it was stored now."""
    if onset.goes_on or _stored(desk, onset.name):
        return False
    try:
        store(onset.name)
    except Conflict:
        if not _stored(desk, onset.name):
            raise
        return False
    return True


def _tell(desk: Desk, decision: Decision) -> None:
    log.info("decided", model=desk.model, version=decision.version, action=decision.action, reason=decision.reason)
    if decision.action in PAGES:
        desk.page(decision)


def _recorded(plan: TrafficPlan, policy: Policy, now: datetime, evidence: Evidence | None) -> Mapping[str, object]:
    recorded: dict[str, object] = {
        "policy": policy.model_dump(mode="json"),
        "plan": WHOLE_PLAN.dump_python(plan, mode="json"),
        "now": now.isoformat(),
    }
    return recorded if evidence is None else {"evidence": evidence.model_dump(mode="json"), **recorded}


def _stored(desk: Desk, decision_id: str) -> bool:
    return Decisions(desk.engine).known(decision_id)


def _said(plan: TrafficPlan, outcome: Outcome) -> str:
    against = sorted(finding.rule_id for finding in outcome.findings if finding.verdict is Verdict.FAIL)
    return "/".join((plan.model, str(plan.revision), outcome.action, outcome.version, *against))
