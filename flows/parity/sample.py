"""A sample of really served requests, spread over a window of prediction moments."""

from datetime import datetime

import numpy as np
import pandas as pd

from feature_repo.definition import ModelDefinition
from stores.prediction_log.table import PredictionLog

SERVED = """
model = ? AND contract = ? AND tier = 'model' AND shown IS DISTINCT FROM false
AND outcome IS DISTINCT FROM 'failed' AND moment_at > ? AND moment_at <= ?
"""
"""What a model answered by its features, and a client was shown."""
CANDIDATES = f"SELECT prediction_id FROM predictions WHERE {SERVED} ORDER BY moment_at, prediction_id"  # noqa: S608
CHOSEN = f"""
SELECT prediction_id, served_at, moment_at, request, features, defaulted, feature_at
FROM predictions WHERE {SERVED} AND list_contains(?, prediction_id) ORDER BY moment_at, prediction_id
"""  # noqa: S608 - as above: the statements are ours, and values are parameters


def sample_served(
    log: PredictionLog,
    definition: ModelDefinition,
    within: tuple[datetime, datetime],
    rows: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return up to `rows` served rows with a prediction moment after the first of `within` and up to the second.

    In order of moment they are cut into `rows` parts of equal size, and one is drawn of each. Rows of another contract
    than today's are left out, because they cannot be computed again by today's features.
    """
    window = (definition.name, definition.contract.name, *within)
    candidates = log.query_table(CANDIDATES, window)["prediction_id"].to_pylist()
    if len(candidates) > rows:
        edges = np.linspace(0, len(candidates), rows + 1).astype(np.int64)
        candidates = [candidates[place] for place in rng.integers(edges[:-1], edges[1:]).tolist()]
    chosen: pd.DataFrame = log.query_table(CHOSEN, (*window, candidates)).to_pandas()
    return chosen
