"""Training sets: for each example, what the feature views said at its prediction moment, by Feast's join."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd

from feature_repo.columns import columns_of
from feature_repo.definition import Columns, ModelDefinition
from feature_repo.offline import EVENT_TIMESTAMP
from feature_repo.vector import Assembled, assemble
from lifecycle.errors import EvidenceMissing, InvalidInput, Unavailable

if TYPE_CHECKING:
    from feast import FeatureStore

ROW = "holdfast_row"
"""Joins Feast's answer, which comes in any order, back to the examples."""


@dataclass(frozen=True)
class TrainingSet:
    """Examples and their vectors, row by row in the same order."""

    examples: pd.DataFrame
    assembled: Assembled


def training_set(store: "FeatureStore", definition: ModelDefinition, examples: pd.DataFrame) -> TrainingSet:
    """Return the examples with the vector each would have been served, had it been asked at its moment.

    Raises EvidenceMissing when there are no examples, when Feast's answer lacks rows, or when a view has nothing
    for any example; InvalidInput when an example is stamped with anything but its prediction moment.
    """
    if examples.empty:
        raise EvidenceMissing(f"no examples of {definition.name} to learn from; widen the window or ingest more")
    request = columns_of(definition.contract, examples)
    _check_moments(definition, request, examples)
    looked_up = historical_features(store, definition, request)
    for view in definition.views:
        if all(np.isnan(looked_up[feature.name]).all() for feature in view.features):
            raise EvidenceMissing(
                f"{view.name} has no row for any of {len(examples)} examples; run the flow materialize over "
                f"{examples[EVENT_TIMESTAMP].min()} to {examples[EVENT_TIMESTAMP].max()} first"
            )
    return TrainingSet(examples=examples, assembled=assemble(definition, request, looked_up))


def historical_features(store: "FeatureStore", definition: ModelDefinition, request: Columns) -> Columns:
    """Return what Feast's point-in-time join finds for each request row at its prediction moment.

    Each feature is (n_rows,) float64 in the order of the rows, NaN where there was no row, or only a stale one.
    Raises EvidenceMissing when Feast drops or repeats a row, as its Dask engine is known to, and Unavailable when
    the offline rows cannot be read.
    """
    moments = definition.prediction_moments(request)
    asked = pd.DataFrame(dict(definition.entity_keys(request)))
    asked[EVENT_TIMESTAMP] = pd.to_datetime((moments * 1e6).astype("int64"), unit="us", utc=True)
    asked[ROW] = np.arange(len(asked))
    with warnings.catch_warnings():
        # ibis, Feast's way to DuckDB, calls a DuckDB function by its old name.
        warnings.filterwarnings("ignore", message="fetch_arrow_table", category=DeprecationWarning)
        service = store.get_feature_service(definition.contract.name, allow_cache=True)
        try:
            answer = store.get_historical_features(entity_df=asked, features=service).to_arrow()
        except duckdb.Error as error:
            raise Unavailable(f"the offline features of {definition.name} cannot be read: {error}") from error
    rows = answer[ROW].to_numpy()
    order = np.argsort(rows)
    if not np.array_equal(rows[order], asked[ROW].to_numpy()):
        raise EvidenceMissing(
            f"Feast answered {len(rows)} rows, {len(np.unique(rows))} of them distinct, for {len(asked)} requests; "
            "train on none rather than on some"
        )
    names = [feature.name for view in definition.views for feature in view.features]
    return {name: answer[name].to_numpy().astype(np.float64)[order] for name in names}


def _check_moments(definition: ModelDefinition, request: Columns, examples: pd.DataFrame) -> None:
    stamped = examples[EVENT_TIMESTAMP].to_numpy("datetime64[us]").astype(np.int64) / 1e6
    wrong = np.flatnonzero(stamped != definition.prediction_moments(request))
    if wrong.size:
        example = examples.iloc[int(wrong[0])]
        raise InvalidInput(
            f"example {example['example_id']} is stamped {example[EVENT_TIMESTAMP]}, not its prediction moment; "
            f"{wrong.size} of {len(examples)} examples are: mend definition.examples"
        )
