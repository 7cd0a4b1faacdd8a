"""What a training of one model works with."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from feature_repo.definition import ModelDefinition, load_definition
from feature_repo.feast_store import open_feature_store
from flows.training.promotion import Promotion
from flows.training.rows import TrainingRows, gather_rows
from flows.training.said import Said
from flows.training.window import TrainingWindow
from lifecycle.log_policy import hidden_by
from lifecycle.policy import Policy
from stores.clock import ReplayClock
from stores.events import EventStore
from stores.ledger.labels import PeoplesLabels
from stores.ledger.pins import Pins
from stores.ledger.progress import Progress
from stores.policies import load_policy
from stores.prediction_log.table import PredictionLog
from stores.registry import Registry
from stores.settings import Settings
from stores.versions import Versions

if TYPE_CHECKING:
    from feast import FeatureStore


@dataclass(frozen=True)
class Workbench:
    """One model's definition and policy, and the stores that its training reads and writes."""

    definition: ModelDefinition
    policy: Policy
    config: Settings
    engine: Engine
    clock: ReplayClock
    registry: Registry
    versions: Versions
    promotion: Promotion

    @property
    def model(self) -> str:
        """The model's name."""
        return self.definition.name

    def gather(self, window: TrainingWindow) -> TrainingRows:
        """Return the examined rows of a window, with what people said of them by then; see `gather_rows`."""
        return gather_rows(
            self.definition,
            self._features,
            EventStore(self.config.events),
            self.policy.training,
            window,
            said=Said(
                PeoplesLabels(self.engine),
                PredictionLog(self.config.prediction_log),
                # Nothing can be learned from a request of which the log keeps a hash.
                requests_are_whole=not hidden_by(self.policy.log),
            ),
        )

    @cached_property
    def _features(self) -> "FeatureStore":
        return open_feature_store(self.definition, self.config.features, self.config.online_store)


def open_workbench(model: str, config: Settings, engine: Engine) -> Workbench:
    """Return a model's workbench; raises NotFound for an unknown model, PolicyInvalid for a broken policy."""
    definition, policy = load_definition(model), load_policy(config.policies, model)
    clock = ReplayClock(Progress(engine))
    registry = Registry(config.mlflow_address, artifacts=config.home / "mlflow" / "artifacts")
    return Workbench(
        definition=definition,
        policy=policy,
        config=config,
        engine=engine,
        clock=clock,
        registry=registry,
        versions=Versions(config.versions, registry, Pins(engine)),
        promotion=Promotion(engine, registry, clock),
    )
