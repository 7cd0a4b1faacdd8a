"""Everything one version needs to answer in one arm."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from feature_repo.definition import ModelDefinition
from feature_repo.editions import PolicyTerms
from lifecycle.decision_policy import DecisionPolicy
from serving.at_work import AtWork
from serving.log_batch import LogBatches
from serving.outputs.guard import Guard
from serving.parts import FeatureReader, Log, Mirror, Scores
from serving.prediction_ids import PredictionIds
from serving.rollout.workers import Workers
from serving.rows import RowCodec
from serving.units import Units


@dataclass(frozen=True)
class Stage:
    """One version in one arm, fixed for one revision of the plan and of the policy.

    `mirror` is shown what this stage has logged as answered, None when nobody follows. `guard` watches the answers and
    may stop them, None when nobody watches; the version is then tried in its `workers`. `definition` is the edition of
    the version's contract; `terms` read the policy's words for it, None for today's contract, whose words they are.
    `at_work` shows others what is being scored. `epoch_seconds` and `monotonic` are clocks, in seconds.
    """

    version: str
    plan_revision: int
    definition: ModelDefinition
    decision: DecisionPolicy
    units: Units
    codec: RowCodec
    reader: FeatureReader
    predictor: Scores
    log: Log
    batches: LogBatches
    ids: PredictionIds
    epoch_seconds: Callable[[], float]
    mirror: Mirror | None = None
    guard: Guard | None = None
    workers: Workers | None = None
    terms: PolicyTerms | None = None
    at_work: AtWork = field(default_factory=AtWork)
    monotonic: Callable[[], float] = time.perf_counter
