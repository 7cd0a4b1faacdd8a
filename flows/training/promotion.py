"""From evidence to a judged version: decide, record the decision, and only then act on it."""

from collections.abc import Callable, Mapping
from uuid import uuid4

import structlog

from lifecycle.errors import ArtifactInvalid, Conflict, Unavailable
from lifecycle.evaluation import Evaluation
from lifecycle.gate import GateOutcome, decide_gate
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.stages import Stage, move
from lifecycle.verdict import Decision, Verdict
from stores.clock import Clock
from stores.ledger.decisions import Decisions
from stores.ledger.plans import Plans
from stores.registry import Registry

ACTOR = "flow:train"
log = structlog.get_logger()


class Promotion:
    """Judges a registered version and, when it passes, makes it champion."""

    def __init__(self, plans: Plans, decisions: Decisions, registry: Registry, clock: Clock) -> None:
        self._plans = plans
        self._decisions = decisions
        self._registry = registry
        self._clock = clock

    def judge(self, policy: Policy, version: str, evaluate: Callable[[str | None], Evaluation]) -> GateOutcome:
        """Decide by the policy's offline gate and apply it; `evaluate` measures beside a given champion.

        When another process changes the plan meanwhile, the version is judged anew against the new
        champion, once. Raises Conflict when that happens again.
        """
        try:
            return self._judge_once(policy, version, evaluate)
        except Conflict as conflict:
            log.info("judged_anew", model=policy.model, version=version, because=str(conflict))
            return self._judge_once(policy, version, evaluate)

    def refuse(self, policy: Policy, version: str, error: ArtifactInvalid) -> None:
        """Reject a version whose stored files cannot be trusted, before anything is measured."""
        plan = self._plans.current(policy.model)
        outcome = GateOutcome((), Verdict.ERROR, str(error))
        self._decisions.record(self._decision(policy, version, plan, {}, outcome))
        self._mirror(plan, version, move(Stage.REGISTERED, Stage.REJECTED), outcome.reason)

    def _judge_once(self, policy: Policy, version: str, evaluate: Callable[[str | None], Evaluation]) -> GateOutcome:
        plan = self._plans.current(policy.model)
        evaluation = evaluate(plan.champion)
        outcome = decide_gate(evaluation, policy)
        stage = move(Stage.REGISTERED, Stage.CHAMPION if outcome.verdict is Verdict.PASS else Stage.REJECTED)
        evidence = {"evaluation": evaluation.model_dump(mode="json"), "policy": policy.model_dump(mode="json")}
        self._decisions.record(self._decision(policy, version, plan, evidence, outcome))
        if stage is Stage.CHAMPION:
            now = self._clock.now()
            self._plans.write(plan.promote(version, now), now)
        self._mirror(plan, version, stage, outcome.reason)
        log.info("judged", model=policy.model, version=version, stage=str(stage), reason=outcome.reason)
        return outcome

    def _decision(
        self, policy: Policy, version: str, plan: TrafficPlan, evidence: Mapping[str, object], outcome: GateOutcome
    ) -> Decision:
        return Decision(
            decision_id=uuid4().hex,
            model=policy.model,
            version=version,
            action="promote" if outcome.verdict is Verdict.PASS else "reject",
            verdict=outcome.verdict,
            reason=outcome.reason,
            findings=outcome.findings,
            policy_revision=policy.revision(),
            plan_revision=plan.revision,
            actor=ACTOR,
            decided_at=self._clock.now(),
            evidence=evidence,
        )

    def _mirror(self, plan: TrafficPlan, version: str, stage: Stage, reason: str) -> None:
        # The ledger holds the truth already; people reading MLflow may see it a little later.
        try:
            self._registry.set_tag(plan.model, version, "stage", stage)
            self._registry.set_tag(plan.model, version, "stage_reason", reason)
            if stage is Stage.CHAMPION:
                self._registry.set_alias(plan.model, Stage.CHAMPION, version)
                if plan.champion is not None:
                    retired = move(Stage.CHAMPION, Stage.RETIRED)
                    self._registry.set_tag(plan.model, plan.champion, "stage", retired)
        except Unavailable as error:
            log.warning("registry_behind", model=plan.model, version=version, error=str(error))
