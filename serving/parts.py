"""What the gateway needs from the stores and the features, named by what they must do."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pyarrow as pa

from feature_repo.definition import Columns, ModelDefinition
from lifecycle.contract import Contract
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from stores.versions import VersionFiles


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

    def recall(self, request: Columns) -> LookedUp | None:
        """Return the features of a batch from memory, None where the store must be asked for any of them."""
        ...


class Scores(Protocol):
    """A loaded version.

    A `bounded` one computes what it computes in a number of steps that its size and the matrix set, and runs no code
    that it brought along, so that it cannot hang.
    """

    @property
    def bounded(self) -> bool:
        """Whether it cannot hang."""
        ...

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """Return (n_rows,) float64 probabilities for an (n_rows, n_features) float32 matrix.

        Raises when it cannot, or gives anything else; InvalidInput when no version could score the matrix.
        """
        ...


class Log(Protocol):
    """The local end of the prediction log."""

    def append(self, batch: pa.RecordBatch) -> None:
        """Keep a batch so that a killed process loses nothing of it; raises Unavailable when it cannot."""
        ...


class Mirror(Protocol):
    """Where answered micro-batches are shown to a version in shadow."""

    def offer(self, batch: pa.RecordBatch) -> None:
        """Take a logged batch or drop it; never blocks and never raises."""
        ...


class Shadows(Protocol):
    """The versions in shadow beside this gateway, one per model at most."""

    def follow(
        self,
        plan: TrafficPlan,
        files: VersionFiles,
        policy: Policy,
        definition: ModelDefinition,
        asked: Contract | None = None,
    ) -> Mirror:
        """Return the mirror of the plan's shadow, started or kept when it runs already.

        `asked` is the champion's contract, None when it is the shadow's own.
        """
        ...

    def end(self, model: str) -> None:
        """End a model's shadow; one that has none stays without."""
        ...

    def report(self, model: str) -> Mapping[str, float | int | str] | None:
        """Return what is known of a model's shadow, None when it has none."""
        ...

    def stop(self) -> None:
        """End every shadow."""
        ...
