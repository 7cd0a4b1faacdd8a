"""The shadows of one gateway replica, at most one per model."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from feature_repo.definition import ModelDefinition
from feature_repo.editions import edition_of, require_asked
from lifecycle.contract import Contract
from lifecycle.errors import HoldfastError
from lifecycle.log_policy import dropped_by
from lifecycle.plan import ShadowArm, TrafficPlan
from lifecycle.policy import Policy
from serving.hiding import hides_anything
from serving.parts import Log
from serving.shadow.frames import Asking, Task
from serving.shadow.keeper import FINISH_SECONDS, Charge, Keeper
from serving.shadow.mirror import Mirror
from serving.shadow.shadow_rows import ShadowVersion
from stores.versions import VersionFiles

log = structlog.get_logger()

COMMAND = (sys.executable, "-m", "serving.shadow.process")
KILL_SECONDS = 5.0
"""What the system may take to end a killed process, on top of what it was given to finish."""


class Shadows:
    """Starts and ends shadow processes; `follow` and `end` return at once and are called on one thread.

    `prediction_log` is the root of the log the processes write to themselves, `log` this replica's own end of it.
    `features` is the folder of Feast's stores, which only a shadow of another contract than the champion's reads.
    """

    def __init__(
        self,
        prediction_log: Path,
        replica: str,
        log: Log,
        command: Sequence[str] = COMMAND,
        *,
        features: Path = Path(),
        online_store: str = "sqlite",
    ) -> None:
        self._features = features
        self._online_store = online_store
        self._prediction_log = prediction_log
        self._replica = replica
        self._log = log
        self._command = command
        self._keepers: dict[str, Keeper] = {}
        self._leaving: list[Keeper] = []

    def follow(
        self,
        plan: TrafficPlan,
        files: VersionFiles,
        policy: Policy,
        definition: ModelDefinition,
        asked: Contract | None = None,
    ) -> Mirror:
        """Return what the plan's shadow is fed through; a process that runs for the same trial goes on.

        When the policy has changed how a score becomes a decision, or what the process may take, a new one goes on.
        `files` are the shadow's. A version made for other features than `definition` computes is not started, and
        its report says so; nor is one that cannot be asked what a champion of the contract `asked` is.
        """
        arm = plan.shadow
        if arm is None:
            raise ValueError(f"plan revision {plan.revision} of {plan.model} has no shadow")
        version = self._version(plan.model, arm, files, policy, asked)
        charge = Charge(plan.model, arm.since_revision, version, policy, self._command)
        standing = self._keepers.get(plan.model)
        if standing is not None and _trial(standing.charge) == _trial(charge):
            return standing.mirror
        self.end(plan.model)
        misfit = _misfit(arm.version, files, definition, asked) or _hidden(version, policy)
        keeper = Keeper(charge, self._log, misfit)
        keeper.start()
        self._keepers[plan.model] = keeper
        return keeper.mirror

    def end(self, model: str) -> None:
        """End a model's shadow, if there is one; its process goes in the background."""
        self._leaving = [keeper for keeper in self._leaving if not keeper.join(0)]
        keeper = self._keepers.pop(model, None)
        if keeper is not None:
            keeper.end()
            self._leaving.append(keeper)

    def report(self, model: str) -> Mapping[str, float | int | str] | None:
        """Return a shadow's figures since its trial began on this replica, or None when there is no shadow.

        Rows: mirrored = answered + failed + dropped + those still under way. `memory_mb` is the highest seen, the
        latencies are of the newest batches; `trouble` is a sentence once the version has failed, else "".
        """
        keeper = self._keepers.get(model)
        return None if keeper is None else keeper.report()

    def stop(self) -> None:
        """End all shadows and wait until their processes are gone."""
        for model in list(self._keepers):
            self.end(model)
        until = time.monotonic() + FINISH_SECONDS + KILL_SECONDS
        for keeper in self._leaving:
            if not keeper.join(max(0.0, until - time.monotonic())):
                log.warning("shadow_still_there", model=keeper.charge.model, replica=self._replica)

    def _version(
        self, model: str, arm: ShadowArm, files: VersionFiles, policy: Policy, asked: Contract | None
    ) -> ShadowVersion:
        asking = Asking(
            model=model,
            features=str(self._features),
            online_store=self._online_store,
            feature_cache_seconds=policy.serving.feature_cache_seconds,
        )
        vector = files.manifest.vector
        same = asked is None or asked.name == files.manifest.contract.name
        task = Task(
            parent=os.getpid(),
            prediction_log=str(self._prediction_log),
            replica=f"{self._replica}-shadow",
            version=arm.version,
            folder=str(files.folder),
            manifest=files.manifest.model_dump_json(),
            threshold=policy.decision.threshold,
            positive=policy.decision.positive,
            negative=policy.decision.negative,
            asking=None if same else asking,
            dropped=tuple(vector.index(name) for name in dropped_by(policy.log) if name in vector),
            memory_limit_mb=policy.rollout.shadow.memory_limit_mb,
            device=policy.resources.shadow.device,
        )
        return ShadowVersion(task, files.manifest.contract.name, files.manifest.artifact_digest)


def _trial(charge: Charge) -> tuple[object, ...]:
    task = charge.version.task
    decided_by = task.threshold, task.positive, task.negative
    limits = task.memory_limit_mb, task.device
    same = task.asking is None
    return task.version, charge.since_revision, *decided_by, *limits, same, task.dropped


def _hidden(version: ShadowVersion, policy: Policy) -> str:
    if version.task.asking is None or not hides_anything(policy):
        return ""
    return (
        f"was not started: it answers by {version.contract}, and the champion's requests cannot be asked in that "
        f"contract while `log` in the policy of {policy.model} hides values of them"
    )


def _misfit(version: str, files: VersionFiles, definition: ModelDefinition, asked: Contract | None) -> str:
    try:
        edition = edition_of(definition, files.manifest.contract.name)
        if asked is not None:
            require_asked(definition, asked, version, files.manifest)
    except HoldfastError as error:
        return f"was not started: {error}"
    if files.manifest.vector == edition.vector:
        return ""
    odd = sorted(set(files.manifest.vector) ^ set(edition.vector)) or "their order"
    return (
        f"was not started: it was trained on other features than this code computes (differing: {odd}); run the code "
        "it was trained with, or train again"
    )
