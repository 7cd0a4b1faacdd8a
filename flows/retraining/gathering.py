"""What the decision on retraining needs: alarms that stand, earlier trainings, and how many labels are new."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from flows.training.workbench import Workbench
from lifecycle.alarms import Alarm
from lifecycle.errors import NotFound
from lifecycle.retraining import Past
from stores.events import EventStore
from stores.ledger.alarms import Alarms
from stores.ledger.loop import read_past


@dataclass(frozen=True)
class Occasion:
    """What is known of a model at the moment that is decided on, in event time."""

    now: datetime
    alarms: Sequence[Alarm]
    past: Past
    new_labels: int


def gather_occasion(bench: Workbench) -> Occasion:
    """Return what the ledger and the stored events say of a model now."""
    now, past = bench.clock.now(), read_past(bench.engine, bench.model)
    return Occasion(now, Alarms(bench.engine).standing(bench.model), past, _new_labels(bench, past.last_at(), now))


def _new_labels(bench: Workbench, since: datetime | None, now: datetime) -> int:
    """Return how many outcomes became known after a moment; 0 where nothing was ever trained, or taken in.

    One that becomes known later than the policy's label maturity after its prediction moment is not counted.
    """
    if since is None:
        return 0
    definition = bench.definition
    start = since - timedelta(hours=bench.policy.training.label_maturity_hours)
    store, first = EventStore(bench.config.events), start - definition.lookback
    try:
        stored = {stream.name: store.load(bench.model, stream.name, first, now) for stream in definition.streams}
    except NotFound:
        return 0
    known_at = definition.examples(stored, start, now)["label_known_at"]
    return int(((known_at > pd.Timestamp(since)) & (known_at <= pd.Timestamp(now))).sum())
