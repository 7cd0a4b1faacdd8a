"""How a champion's lane begins: with what is cheaper, where the policy wants that."""

import time
from collections.abc import Callable

from lifecycle.policy import Policy
from serving.arms import Arm
from serving.batching import Batch, Release
from serving.cheap.cheap import open_cheap
from serving.cheap.first import CheapFirst
from serving.cheap.reading import Reading
from serving.rollout.workers import Workers
from serving.stage import Stage
from serving.tiers.breakers import FEATURES, FailureBreakers, TierBreakers
from serving.tiers.rule import rule_of
from serving.tiers.run import TierRun

MS_PER_SECOND = 1000


def cheap_first(
    policy: Policy, arm: Arm, stage: Stage, champion: TierRun, *, workers: Workers, breakers: FailureBreakers
) -> Callable[[Batch, Release], None]:
    """Return what takes a champion's micro-batches: the champion itself where nothing cheaper may answer.

    `workers` read features, while the version's own threads are its own.
    """
    cheap = open_cheap(policy, arm, compared=stage.mirror is not None, monotonic=time.monotonic)
    if cheap is None:
        return champion
    tiers = policy.tiers
    features = TierBreakers(tiers.breaker, breakers.of(policy.model, FEATURES))
    reading = Reading(stage, workers, tiers.champion_ms / MS_PER_SECOND, features)
    return CheapFirst(stage, cheap, reading, champion, tiers.deadline_ms / MS_PER_SECOND)


def is_cheaper_than(champion: Arm) -> bool:
    """Return whether anything cheaper than a champion can answer every row."""
    return champion.small is not None or rule_of(champion.definition) is not None
