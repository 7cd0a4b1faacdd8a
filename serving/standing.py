"""Composition: from a traffic plan to a model that answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from feature_repo.definition import ModelDefinition, load_definition
from lifecycle.errors import HoldfastError
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from serving.arms import Arm, Proof, load_arm
from serving.batching import MicroBatcher
from serving.log_batch import LogBatches
from serving.models import Lane, ServedModel
from serving.parts import FeatureReader, Log
from serving.prediction_ids import PredictionIds
from serving.rows import RowCodec
from serving.scoring import Stage, examine, score
from stores.versions import VersionFiles

PROOF_SECONDS = 1.0
"""A version runs its own example at most this often, however often health is asked for."""


@dataclass
class StandingUp:
    """Loads a plan's versions; versions and feature readers that already stand are used again.

    `policy_of`, `reader_of` and `open_version` fetch the parts; `epoch_seconds` is the clock of the log.
    """

    policy_of: Callable[[str], Policy]
    reader_of: Callable[[ModelDefinition, Policy], FeatureReader]
    open_version: Callable[[str, str], VersionFiles]
    prediction_log: Log
    ids: PredictionIds
    replica: str
    epoch_seconds: Callable[[], float] = time.time
    _readers: dict[str, FeatureReader] = field(default_factory=dict)
    _arms: dict[str, dict[str, Arm]] = field(default_factory=dict)

    def __call__(self, plan: TrafficPlan) -> ServedModel:
        """Return a plan's model with its champion loaded, proven and warm.

        The champion must stand, else its error is raised; another version that does not is left out, with the reason.
        """
        if plan.champion is None:
            raise ValueError(f"plan revision {plan.revision} of {plan.model} has no champion")
        definition = load_definition(plan.model)
        policy = self.policy_of(plan.model)
        if plan.model not in self._readers:
            self._readers[plan.model] = self.reader_of(definition, policy)
        arms = {plan.champion: self._arm(plan.champion, definition)}
        left_out: dict[str, str] = {}
        for version in plan.versions()[1:]:
            try:
                arms[version] = self._arm(version, definition)
            except (HoldfastError, OSError) as error:
                left_out[version] = str(error)
        lanes = {version: self._lane(plan, arm, definition, policy) for version, arm in arms.items()}
        self._arms[plan.model] = arms
        return ServedModel(plan, plan.champion, definition, policy, lanes, left_out)

    def _arm(self, version: str, definition: ModelDefinition) -> Arm:
        standing = self._arms.get(definition.name, {}).get(version)
        if standing is not None:
            return standing
        files = self.open_version(definition.name, version)
        return load_arm(version, files, definition)

    def _lane(self, plan: TrafficPlan, arm: Arm, definition: ModelDefinition, policy: Policy) -> Lane:
        codec = RowCodec(arm.files.manifest.contract, policy.serving.max_rows_per_request)
        stage = Stage(
            version=arm.version,
            plan_revision=plan.revision,
            definition=definition,
            decision=policy.decision,
            codec=codec,
            reader=self._readers[plan.model],
            predictor=arm.predictor,
            log=self.prediction_log,
            batches=LogBatches(self._constants(plan, arm)),
            ids=self.ids,
            epoch_seconds=self.epoch_seconds,
        )
        for rows in (arm.example[:1], arm.example):
            examine(stage, rows)
        batcher = MicroBatcher(
            partial(score, stage),
            max_rows=policy.serving.max_batch_rows,
            max_added_wait_seconds=policy.serving.max_added_wait_ms / 1000,
            max_waiting=policy.serving.max_queued_requests,
        )
        return Lane(arm, codec, batcher, Proof(arm, PROOF_SECONDS, time.monotonic))

    def _constants(self, plan: TrafficPlan, arm: Arm) -> dict[str, str | int | None]:
        return {
            "model": plan.model,
            "version": arm.version,
            "contract": arm.files.manifest.contract.name,
            "artifact_digest": arm.files.manifest.artifact_digest,
            "arm": "champion" if arm.version == plan.champion else "previous",
            "tier": "model",
            "replica": self.replica,
            "plan_revision": plan.revision,
            "cost": None,
            "tenant": None,
        }
