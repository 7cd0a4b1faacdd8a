"""From evidence to a judged version: decide, and store the decision with what follows from it."""

import hashlib
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy import Engine

from lifecycle.errors import Conflict, HoldfastError, Unavailable
from lifecycle.evaluation import Evaluation
from lifecycle.gate import GateOutcome, decide_gate
from lifecycle.manifest import Manifest
from lifecycle.outcome import Action, Outcome, StageChange, decision_of
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.stages import Stage
from lifecycle.verdict import Verdict
from stores.clock import Clock
from stores.ledger.changes import Changes
from stores.ledger.plans import Plans
from stores.ledger.standings import Standings
from stores.ledger.trainings import GATE_ACTOR
from stores.registry import Registry

log = structlog.get_logger()


class Promotion:
    """Judges a version of our own training: the first one becomes champion, every other may enter shadow."""

    def __init__(self, engine: Engine, registry: Registry, clock: Clock) -> None:
        self._plans = Plans(engine)
        self._changes = Changes(engine)
        self._standings = Standings(engine)
        self._registry = registry
        self._clock = clock

    def judge(
        self, policy: Policy, version: str, manifest: Manifest, evaluate: Callable[[str | None], Evaluation]
    ) -> GateOutcome:
        """Decide by the policy's offline gate and apply it; `evaluate` measures beside a given champion.

        When another process changes the plan meanwhile, the version is judged anew against the new
        champion, once. Raises Conflict when that happens again.
        """
        try:
            return self._judge_once(policy, version, manifest, evaluate)
        except Conflict as conflict:
            log.info("judged_anew", model=policy.model, version=version, because=str(conflict))
            return self._judge_once(policy, version, manifest, evaluate)

    def refuse(self, policy: Policy, version: str, manifest: Manifest | None, error: HoldfastError) -> None:
        """Reject a version whose stored files cannot be trusted, or that cannot be measured any more.

        The manifest is None where not even that can be read.
        """
        outcome = GateOutcome((), Verdict.ERROR, str(error))
        if manifest is None:
            # Nothing may be started from a version without a manifest, so this is safe to do before the decision.
            self._standings.meet(policy.model, version, None, self._clock.now())
        plan = self._plans.current(policy.model)
        try:
            self._apply(policy, version, manifest, plan=plan, evidence={}, gate=outcome)
        except Conflict:
            # Its files are no better beside another plan.
            plan = self._plans.current(policy.model)
            self._apply(policy, version, manifest, plan=plan, evidence={}, gate=outcome)

    def _judge_once(
        self, policy: Policy, version: str, manifest: Manifest, evaluate: Callable[[str | None], Evaluation]
    ) -> GateOutcome:
        plan = self._plans.current(policy.model)
        evaluation = evaluate(plan.champion)
        gate = decide_gate(evaluation, policy)
        evidence = {"evaluation": evaluation.model_dump(mode="json"), "policy": policy.model_dump(mode="json")}
        self._apply(policy, version, manifest, plan=plan, evidence=evidence, gate=gate)
        return gate

    def _apply(
        self,
        policy: Policy,
        version: str,
        manifest: Manifest | None,
        *,
        plan: TrafficPlan,
        evidence: Mapping[str, object],
        gate: GateOutcome,
    ) -> None:
        now = self._clock.now()
        action, stage = _follows(gate, plan)
        stages = () if stage is Stage.REGISTERED else (StageChange(version, stage),)
        following = plan.promote(version, now) if stage is Stage.CHAMPION else None
        outcome = Outcome(action, version, gate.verdict, gate.reason, gate.findings, following, stages)
        decision = decision_of(
            outcome,
            plan,
            decision_id=gate_decision_id(policy.model, version),
            policy_revision=policy.revision(),
            actor=GATE_ACTOR,
            decided_at=now,
            evidence=evidence,
        )
        self._changes.apply(decision, now, following, stages, manifest)
        self._mirror(plan, version, stage, gate)
        log.info("judged", model=policy.model, version=version, stage=str(stage), reason=gate.reason)

    def _mirror(self, plan: TrafficPlan, version: str, stage: Stage, gate: GateOutcome) -> None:
        # The ledger holds the truth already; people reading MLflow may see it a little later.
        told = {
            "stage": stage,
            "stage_reason": gate.reason,
            "gate": "passed" if gate.verdict is Verdict.PASS else "failed",
        }
        try:
            for key, value in told.items():
                self._registry.set_tag(plan.model, version, key, value)
            if stage is Stage.CHAMPION:
                self._registry.set_alias(plan.model, Stage.CHAMPION, version)
        except Unavailable as error:
            log.warning("registry_behind", model=plan.model, version=version, error=str(error))


def gate_decision_id(model: str, version: str) -> str:
    """Return the name of the offline gate's decision about a version: it is judged there once and for good."""
    return hashlib.sha256(f"gate/{model}/{version}".encode()).hexdigest()[:32]


def _follows(gate: GateOutcome, plan: TrafficPlan) -> tuple[Action, Stage]:
    """Return what a gate's verdict does: beside a champion, a version has its live trial before it."""
    if gate.verdict is not Verdict.PASS:
        return Action.REJECT, Stage.REJECTED
    if plan.champion is None:
        return Action.PROMOTE, Stage.CHAMPION
    return Action.ADMIT, Stage.REGISTERED
