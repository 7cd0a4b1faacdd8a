"""What the gateway needs from the stores and the features, named by what they must do."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pyarrow as pa

from feature_repo.definition import Columns


class LookedUp(Protocol):
    """Looked-up features of a batch, NaN where missing or stale.

    `values` is (n_rows,) float64 by feature; `event_at` is (n_rows,) epoch seconds by view.
    """

    @property
    def values(self) -> Mapping[str, np.ndarray]:
        """Features by name."""
        ...

    @property
    def event_at(self) -> Mapping[str, np.ndarray]:
        """Event times by view."""
        ...


class FeatureReader(Protocol):
    """The online feature store of one model."""

    def read(self, request: Columns) -> LookedUp:
        """Return the features of a batch; raises Unavailable when the store cannot be reached."""
        ...


class Scores(Protocol):
    """A loaded version."""

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """Return (n_rows,) float64 probabilities for an (n_rows, n_features) float32 matrix."""
        ...


class Log(Protocol):
    """The local end of the prediction log."""

    def append(self, batch: pa.RecordBatch) -> None:
        """Keep a batch so that a killed process loses nothing of it; raises Unavailable when it cannot."""
        ...
