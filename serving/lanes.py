"""From loaded versions to what answers: the lanes of a plan, and the trial of its canary."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from feature_repo.definition import ModelDefinition
from feature_repo.editions import policy_terms
from lifecycle.assignment import Arm as ArmName
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from serving.answer import MODEL_TIER
from serving.arms import Arm, Proof, TrialProof
from serving.at_work import AtWork
from serving.batching import Batch, MicroBatcher, Release
from serving.budgets.charged import charged_batches
from serving.budgets.spending import Spending
from serving.cheap.opening import cheap_first
from serving.contracts import Contracts, contracts_of, to_canary
from serving.hiding import hiding_of, no_key
from serving.mirror_slot import MirrorSlot
from serving.models import Lane
from serving.outputs.guard import Guard
from serving.outputs.guards import Guards
from serving.outputs.opening import Guarded
from serving.parts import FeatureReader, Log, Scores
from serving.prediction_ids import PredictionIds
from serving.rollout.trial import Trial
from serving.rollout.workers import Workers
from serving.rows import CodecFor, RowCodec
from serving.stage import Stage
from serving.tiers.breakers import FailureBreakers
from serving.tiers.fallback import Fallback
from serving.tiers.last import HonestFailure
from serving.tiers.run import TierRun
from serving.tiers.tier import Tier
from serving.units import Units

STOOD_IN_FOR = (ArmName.CHAMPION, ArmName.CONTROL)
"""Arms for whose version the rule answers when its answers are stopped."""
PROOF_SECONDS = 1.0
"""A version runs its own example at most this often, however often health is asked for."""
MS_PER_SECOND = 1000


@dataclass
class Lanes:
    """Makes the lanes of one plan revision; `definition` is the model's of today.

    `codec_of` reads the rows of a version's contract, `codec_for` those of any; `reader_of` reads the features of an
    edition of it. `rule_workers` are the threads in which the model's rule answers, whichever version it stands in for.
    """

    plan: TrafficPlan
    policy: Policy
    definition: ModelDefinition
    reader_of: Callable[[ModelDefinition], FeatureReader]
    codec_of: Callable[[Arm], RowCodec]
    codec_for: CodecFor
    log: Log
    ids: PredictionIds
    replica: str
    epoch_seconds: Callable[[], float]
    mirror: MirrorSlot
    breakers: FailureBreakers
    rule_workers: Workers
    guards: Guards | None = None
    retried: Callable[[str], None] = lambda _: None
    at_work: AtWork = field(default_factory=AtWork)
    spending: Spending | None = None
    log_key: Callable[[], bytes] = no_key

    def champion(self, arm: Arm, previous: Arm | None) -> Lane:
        """Return the lane that answers whatever happens; `previous` is the version before, if it stands."""
        stage = self._stage(arm, ArmName.CHAMPION)
        run = self._fallback(arm).run(
            stage, arm.workers, self.policy.tiers.champion_ms, self._instead(arm, previous), breaker=arm.version
        )
        first = cheap_first(self.policy, arm, stage, run, workers=self.rule_workers, breakers=self.breakers)
        return self._lane(arm, stage, self._batcher(first), self._strict(arm, ArmName.CHAMPION))

    def previous(self, arm: Arm) -> Lane:
        """Return the lane of a version that is asked for by its name only."""
        stage = self._stage(arm, ArmName.PREVIOUS)
        strict = self._strict(arm, ArmName.PREVIOUS)
        return self._lane(arm, stage, strict, strict)

    def named(self, arm: Arm) -> Lane:
        """Return the lane of a canary that is asked for by its version: nobody stands in for it."""
        stage = self._stage(arm, ArmName.NAMED)
        strict = self._batcher(
            self._fallback(arm).run(stage, arm.workers, self.policy.rollout.canary.deadline_ms, HonestFailure())
        )
        apart = self._apart(arm, self.policy.rollout.canary.deadline_ms)
        return Lane(arm, stage.codec, self._contracts(arm), strict, strict, TrialProof(arm), apart, trusted=False)

    def trial(self, champion: Lane, canary: Arm, previous: Arm | None) -> Trial:
        """Return the trial of the plan's canary beside the champion's lane."""
        if self.plan.canary is None:
            raise ValueError(f"plan revision {self.plan.revision} of {self.plan.model} has no canary")
        batchers = {
            ArmName.CHAMPION: champion.batcher,
            ArmName.CANARY: self._tried(canary, ArmName.CANARY, champion.arm, previous),
            ArmName.CONTROL: self._tried(champion.arm, ArmName.CONTROL, champion.arm, previous),
        }
        return Trial(
            salt=self.plan.salt(),
            share=self.plan.canary.share,
            champion=champion.arm.version,
            definition=champion.arm.definition,
            codec=champion.codec,
            units=self._units(champion.arm),
            arms=batchers,
            to_canary=to_canary(champion.codec, self._contracts(canary)),
        )

    def _apart(self, arm: Arm, deadline_ms: float) -> Callable[[Log], TierRun]:
        """Return what runs batches that are no user's, into a log of their own; nobody stands in for the version."""
        stage, fallback = self._stage(arm, ArmName.NAMED), self._fallback(arm)
        return lambda log: fallback.run(replace(stage, log=log), arm.workers, deadline_ms, HonestFailure())

    def _tried(self, arm: Arm, name: ArmName, champion: Arm, previous: Arm | None) -> MicroBatcher:
        instead = self._fallback(champion).run(
            self._stage(champion, ArmName.CHAMPION),
            champion.workers,
            self.policy.tiers.champion_ms,
            self._instead(champion, previous),
            breaker=champion.version,
        )
        # Without a breaker: whatever happens, it goes on being asked, because it is being judged.
        deadline_ms = self.policy.rollout.canary.deadline_ms
        stage = self._stage(arm, name)
        run = self._fallback(champion, name).run(
            stage, arm.workers, deadline_ms, instead, ruled=name in STOOD_IN_FOR, reads_again=True
        )
        return self._batcher(run)

    def _strict(self, arm: Arm, name: ArmName) -> MicroBatcher:
        stage = self._stage(arm, name)
        return self._batcher(
            self._fallback(arm).run(
                stage, arm.workers, self.policy.tiers.champion_ms, HonestFailure(), ruled=name in STOOD_IN_FOR
            )
        )

    def _lane(self, arm: Arm, stage: Stage, batcher: MicroBatcher, strict: MicroBatcher) -> Lane:
        proof = Proof(arm, PROOF_SECONDS, time.monotonic)
        apart = self._apart(arm, self.policy.tiers.champion_ms)
        # A process of its own is replaced by itself; the gateway's need not be for it.
        trusted = not arm.isolated
        return Lane(arm, stage.codec, self._contracts(arm), batcher, strict, proof, apart, trusted=trusted)

    def _instead(self, champion: Arm, previous: Arm | None) -> Tier:
        # One that reads another contract than its successor cannot be handed the same rows.
        if previous is not None and previous.files.manifest.contract.name != champion.files.manifest.contract.name:
            previous = None
        stage = None if previous is None else self._stage(previous, ArmName.PREVIOUS, tier=ArmName.PREVIOUS.value)
        return self._fallback(champion).chain(champion, previous, stage)

    def _fallback(self, champion: Arm, name: ArmName = ArmName.CHAMPION) -> Fallback:
        return Fallback(
            self.policy.tiers,
            champion.definition,
            self.breakers,
            self.rule_workers,
            retried=lambda: self.retried(self.plan.model),
            stage_of=lambda tier, predictor: self._stage(champion, name, tier=tier, predictor=predictor),
        )

    def _batcher(self, run: Callable[[Batch, Release], None]) -> MicroBatcher:
        limits, tiers = self.policy.serving, self.policy.tiers
        return MicroBatcher(
            run,
            max_rows=limits.max_batch_rows,
            max_added_wait_seconds=limits.max_added_wait_ms / MS_PER_SECOND,
            max_waiting=limits.max_queued_requests,
            # After that the champion would have no time left, and what is behind it would answer a backfill.
            backfill_patience_seconds=(tiers.deadline_ms - tiers.champion_ms) / MS_PER_SECOND,
        )

    def _stage(self, arm: Arm, name: ArmName, *, tier: str = MODEL_TIER, predictor: Scores | None = None) -> Stage:
        codec = self.codec_of(arm)
        own = tier == MODEL_TIER
        mirrored = own and self.plan.shadow is not None and name in STOOD_IN_FOR
        return Stage(
            version=arm.version,
            plan_revision=self.plan.revision,
            definition=arm.definition,
            decision=self.policy.decision,
            units=self._units(arm),
            codec=codec,
            reader=self.reader_of(arm.definition),
            predictor=arm.predictor if predictor is None else predictor,
            log=self.log,
            batches=charged_batches(self._constants(arm, name, tier), self.policy, self.spending),
            ids=self.ids,
            epoch_seconds=self.epoch_seconds,
            mirror=self.mirror if mirrored else None,
            guard=self._guard(arm, name) if own and self._watched(arm, name) else None,
            workers=arm.workers,
            terms=policy_terms(self.definition, codec.contract.name),
            at_work=self.at_work,
            review=self.policy.review,
            hiding=hiding_of(self.policy, self.definition, arm.definition.vector, self.log_key),
        )

    def _watched(self, arm: Arm, name: ArmName) -> bool:
        # Where the rule cannot stand in, nobody may stop the version, either.
        ruled = name in STOOD_IN_FOR and arm.definition.rule_feature in arm.definition.vector
        return ruled or name is ArmName.CANARY

    def _contracts(self, arm: Arm) -> Contracts:
        return contracts_of(self.definition, arm.version, self.codec_of(arm), self.codec_for)

    def _units(self, arm: Arm) -> Units:
        contract, names = arm.files.manifest.contract, self.policy.rollout.unit
        terms = policy_terms(self.definition, contract.name)
        return Units(contract, names if terms is None else terms.names(names))

    def _guard(self, arm: Arm, name: ArmName) -> Guard | None:
        if self.guards is None:
            return None
        return self.guards.of(Guarded(self.plan.model, arm.version, name.value), self.policy.watching.outputs)

    def _constants(self, arm: Arm, name: ArmName, tier: str) -> Mapping[str, str | int | None]:
        return {
            "model": self.plan.model,
            "version": arm.version,
            "contract": arm.files.manifest.contract.name,
            "artifact_digest": arm.files.manifest.artifact_digest,
            "arm": name.value,
            "tier": tier,
            "replica": self.replica,
            "plan_revision": self.plan.revision,
            "cost": None,
            "tenant": None,
        }
