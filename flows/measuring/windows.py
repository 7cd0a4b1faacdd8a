"""One window of one model: what was answered, joined with what is known of it, measured by version."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
from sqlalchemy import Engine

from expectations.suite import examine, load_suites
from feature_repo.definition import ModelDefinition, load_definition
from flows.measuring.answered import by_the_model, last_answers, read_answered, read_before
from flows.measuring.outcomes import known_labels
from flows.measuring.versions import SLICE, Window, answers_of, measure_version
from flows.supervision.slices import slice_values
from lifecycle.errors import DataRejected
from lifecycle.measuring.estimate import Experience
from lifecycle.policy import Policy
from lifecycle.quality import Quality
from stores.events import EventStore
from stores.ledger.labels import PeoplesLabels
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings

SUITE = "served_predictions"
WINDOWS_BEFORE = 4
"""How many windows back an estimate learns what scores mean: long enough to hold its noise, short enough to be true."""


@dataclass(frozen=True)
class Measurer:
    """Measures windows of one model from the prediction log, its events and people's labels."""

    policy: Policy
    config: Settings
    engine: Engine

    def window(self, end: datetime, now: datetime) -> Window:
        """Return the policy's window that ends at a moment."""
        start = end - timedelta(days=self.policy.watching.quality.window_days)
        return Window(start, end, now, timedelta(hours=self.policy.training.label_maturity_hours))

    def measure(self, window: Window) -> list[Quality]:
        """Return the quality of every version that answered, sorted by name.

        Raises DataRejected when what was served fails its suite.
        """
        log, model = PredictionLog(self.config.prediction_log), self.policy.model
        served = read_answered(log, model, window.start, window.end)
        if served.empty:
            return []
        _examine(model, by_the_model(served))
        definition = load_definition(model)
        rows = last_answers(served)
        slices = slice_values(definition, rows["request"], rows["contract"]).add_prefix(SLICE)
        rows = pd.concat([rows, slices], axis=1)
        first = window.start - (window.end - window.start) * WINDOWS_BEFORE
        before = read_before(log, model, first, window.start)
        rows, before = self._labelled(definition, window, rows), self._matured(definition, window, before, first)
        return [
            measure_version(self.policy, str(version), window, mine, self._experience(earlier, window))
            for version, mine in rows.groupby("version")
            for earlier in [before[before["version"] == version]]
        ]

    def _labelled(self, definition: ModelDefinition, window: Window, rows: pd.DataFrame) -> pd.DataFrame:
        return rows.merge(self._known(definition, window.start, window.end, window.now), on="example_id", how="left")

    def _matured(
        self, definition: ModelDefinition, window: Window, before: pd.DataFrame, first: datetime
    ) -> pd.DataFrame:
        """Return the earlier answers with the labels known when the window ended.

        What came to be known later is not used, so that the estimate of a window is the same whenever it is made.
        """
        known_at = min(window.end, window.now)
        ripe = before[before["moment_at"] < pd.Timestamp(known_at - window.maturity)]
        if ripe.empty:
            return ripe.assign(label=pd.Series(dtype="float64"))
        known = self._known(definition, first, window.start, known_at)
        return ripe.merge(known[["example_id", "label"]], on="example_id", how="left")

    def _experience(self, earlier: pd.DataFrame, window: Window) -> Experience:
        mature = answers_of(earlier[earlier["label"].notna()], self.policy)
        if earlier.empty:
            return Experience(mature, 0.0)
        span = window.start - earlier["moment_at"].min().to_pydatetime()
        return Experience(mature, float(span / (window.end - window.start)))

    def _known(self, definition: ModelDefinition, start: datetime, end: datetime, now: datetime) -> pd.DataFrame:
        events, people = EventStore(self.config.events), PeoplesLabels(self.engine)
        return known_labels(definition, events, people, start=start, end=end, now=now)


def _examine(model: str, served: pd.DataFrame) -> None:
    if served.empty:
        return
    found = examine(load_suites(model)[SUITE], served)
    if not found.accepted:
        raise DataRejected(f"what {model} served fails its suite {SUITE}: {found.reason}")
