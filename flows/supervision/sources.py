"""Where evidence comes from: a model's log, events and replicas, at one moment."""

from dataclasses import dataclass, field
from datetime import datetime

from feature_repo.definition import ModelDefinition
from flows.supervision.labels import KnownLabels
from stores.events import EventStore
from stores.ledger.arms import Arms
from stores.prediction_log.table import PredictionLog


@dataclass(frozen=True)
class Sources:
    """One model's sources; `now` is the clock's, which a replay sets, not the wall's.

    `labels` remembers what was read last, so that it is kept from one look to the next.
    """

    definition: ModelDefinition
    log: PredictionLog
    events: EventStore
    arms: Arms
    now: datetime
    labels: KnownLabels = field(default_factory=KnownLabels)
