"""The scores that one version gives to every request of the shipped source's year, in order of time."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from feature_repo.columns import columns_of
from feature_repo.definition import load_definition
from feature_repo.feast_store import open_feature_store
from feature_repo.offline import offline_folder, write_offline
from feature_repo.training_set import historical_features
from feature_repo.vector import assemble
from flows.training.booster import grow_booster
from lifecycle.policy import Policy
from stores.predictor import predictor_of

Array = npt.NDArray[np.float64]
MODEL = "flight_delay"
SPLIT = datetime(2013, 3, 1, tzinfo=UTC)
"""Before it the version learns; the month after it is the baseline, as the shipped policy has it on 1 April."""
ROWS_AT_ONCE = 60_000


@dataclass(frozen=True)
class Year:
    """Probabilities and prediction moments (epoch seconds), (n_rows,) each; `months` are 1 to 12."""

    scores: Array
    moments: Array
    months: npt.NDArray[np.int64]

    def of(self, months: range) -> "Year":
        """Return some months of it."""
        mine = np.isin(self.months, list(months))
        return Year(self.scores[mine], self.moments[mine], self.months[mine])


def scored_year(policy: Policy, scratch: Path) -> Year:
    """Return the year as a version scores it that learned from January and February, by our own code throughout."""
    definition = load_definition(MODEL)
    start, end = definition.source_range
    events = {stream.name: stream.read(start, end) for stream in definition.streams}
    store = open_feature_store(definition, scratch)
    for view in definition.views:
        write_offline(offline_folder(store, view), view, view.build(events, start, end), start, end)
    requests = definition.requests(events, start, end)
    columns = columns_of(definition.contract, requests)
    parts = []
    for first in range(0, len(requests), ROWS_AT_ONCE):
        part = {name: column[first : first + ROWS_AT_ONCE] for name, column in columns.items()}
        parts.append(assemble(definition, part, historical_features(store, definition, part)).matrix)
    matrix = np.concatenate(parts)
    moments = definition.prediction_moments(columns)
    examples = definition.examples(events, start, SPLIT)
    labels = requests[["example_id"]].merge(examples[["example_id", "label"]], on="example_id", how="left")["label"]
    learn = labels.notna().to_numpy()
    booster = grow_booster(matrix[learn], labels.to_numpy()[learn].astype(int), definition.vector, policy.training)
    months = np.array([datetime.fromtimestamp(moment, UTC).month for moment in moments])
    return Year(predictor_of(booster, definition.vector).score(matrix), moments, months)
