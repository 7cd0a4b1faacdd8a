"""From loaded versions to what answers: the lanes of a plan, and the trial of its canary."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from feature_repo.definition import ModelDefinition
from lifecycle.assignment import Arm as ArmName
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from serving.answer import MODEL_TIER
from serving.arms import Arm, Proof, TrialProof
from serving.at_work import AtWork
from serving.batching import Batch, MicroBatcher, answer_at_once
from serving.log_batch import LogBatches
from serving.mirror_slot import MirrorSlot
from serving.models import Lane
from serving.outputs.guard import Guard
from serving.outputs.guards import Guards
from serving.outputs.opening import Guarded
from serving.outputs.rule import TIER, Rule
from serving.parts import FeatureReader, Log
from serving.prediction_ids import PredictionIds
from serving.rollout.instead import ChampionInstead, HonestFailure
from serving.rollout.trial import Trial
from serving.rollout.trial_run import TrialRun
from serving.rows import RowCodec
from serving.scoring import score
from serving.stage import Stage
from serving.units import Units

STOOD_IN_FOR = (ArmName.CHAMPION, ArmName.CONTROL)
"""Arms for whose version the rule answers when its answers are stopped."""
PROOF_SECONDS = 1.0
"""A version runs its own example at most this often, however often health is asked for."""
MS_PER_SECOND = 1000


@dataclass
class Lanes:
    """Makes the lanes of one plan revision; `codec_of` reads the rows of a version's contract."""

    plan: TrafficPlan
    policy: Policy
    definition: ModelDefinition
    reader: FeatureReader
    codec_of: Callable[[Arm], RowCodec]
    log: Log
    ids: PredictionIds
    replica: str
    epoch_seconds: Callable[[], float]
    mirror: MirrorSlot
    guards: Guards | None = None
    retried: Callable[[str], None] = lambda _: None
    at_work: AtWork = field(default_factory=AtWork)

    def trusted(self, arm: Arm, name: ArmName) -> Lane:
        """Return the lane of a version that answers on the event loop itself."""
        stage = self._stage(arm, name)
        retried = partial(self.retried, self.plan.model)
        batcher = self._batcher(partial(answer_at_once, partial(score, stage), retried=retried))
        # A process of its own is replaced by itself; the gateway's need not be for it.
        proof = Proof(arm, PROOF_SECONDS, time.monotonic)
        return Lane(arm, stage.codec, batcher, proof, trusted=not arm.isolated)

    def named(self, arm: Arm) -> Lane:
        """Return the lane of a canary that is asked for by its version: nobody stands in for it."""
        stage = self._stage(arm, ArmName.NAMED)
        run = TrialRun(stage, arm.workers, self._deadline_seconds(), HonestFailure(stage))
        return Lane(arm, stage.codec, self._batcher(run), TrialProof(arm), trusted=False)

    def trial(self, champion: Lane, canary: Arm) -> Trial:
        """Return the trial of the plan's canary beside the champion's lane."""
        if self.plan.canary is None:
            raise ValueError(f"plan revision {self.plan.revision} of {self.plan.model} has no canary")
        batchers = {
            ArmName.CHAMPION: champion.batcher,
            ArmName.CANARY: self._tried(canary, ArmName.CANARY, champion.arm),
            ArmName.CONTROL: self._tried(champion.arm, ArmName.CONTROL, champion.arm),
        }
        return Trial(
            salt=self.plan.salt(),
            share=self.plan.canary.share,
            champion=champion.arm.version,
            definition=self.definition,
            codec=champion.codec,
            units=Units(champion.codec.contract, self.policy.rollout.unit),
            arms=batchers,
        )

    def _tried(self, arm: Arm, name: ArmName, champion: Arm) -> MicroBatcher:
        stage = self._stage(arm, name)
        instead = ChampionInstead(stage, self._stage(champion, ArmName.CHAMPION))
        return self._batcher(TrialRun(stage, arm.workers, self._deadline_seconds(), instead))

    def _deadline_seconds(self) -> float:
        return self.policy.rollout.canary.deadline_ms / MS_PER_SECOND

    def _batcher(self, run: Callable[[Batch], None]) -> MicroBatcher:
        limits = self.policy.serving
        return MicroBatcher(
            run,
            max_rows=limits.max_batch_rows,
            max_added_wait_seconds=limits.max_added_wait_ms / MS_PER_SECOND,
            max_waiting=limits.max_queued_requests,
        )

    def _stage(self, arm: Arm, name: ArmName) -> Stage:
        codec = self.codec_of(arm)
        mirrored = self.plan.shadow is not None and name in (ArmName.CHAMPION, ArmName.CONTROL)
        rule = self._rule(arm, name)
        watched = rule is not None or name is ArmName.CANARY
        return Stage(
            version=arm.version,
            plan_revision=self.plan.revision,
            definition=self.definition,
            decision=self.policy.decision,
            units=Units(codec.contract, self.policy.rollout.unit),
            codec=codec,
            reader=self.reader,
            predictor=arm.predictor,
            log=self.log,
            batches=LogBatches(self._constants(arm, name)),
            ids=self.ids,
            epoch_seconds=self.epoch_seconds,
            mirror=self.mirror if mirrored else None,
            guard=self._guard(arm, name) if watched else None,
            rule=rule,
            workers=arm.workers,
            at_work=self.at_work,
        )

    def _guard(self, arm: Arm, name: ArmName) -> Guard | None:
        if self.guards is None:
            return None
        return self.guards.of(Guarded(self.plan.model, arm.version, name.value), self.policy.watching.outputs)

    def _rule(self, arm: Arm, name: ArmName) -> Rule | None:
        """Return what answers in the version's place, None where nothing does: then nobody may stop it, either."""
        if name not in STOOD_IN_FOR or self.definition.rule_feature not in self.definition.vector:
            return None
        constants = {**self._constants(arm, name), "tier": TIER}
        return Rule(self.definition.vector.index(self.definition.rule_feature), LogBatches(constants))

    def _constants(self, arm: Arm, name: ArmName) -> Mapping[str, str | int | None]:
        return {
            "model": self.plan.model,
            "version": arm.version,
            "contract": arm.files.manifest.contract.name,
            "artifact_digest": arm.files.manifest.artifact_digest,
            "arm": name.value,
            "tier": MODEL_TIER,
            "replica": self.replica,
            "plan_revision": self.plan.revision,
            "cost": None,
            "tenant": None,
        }
