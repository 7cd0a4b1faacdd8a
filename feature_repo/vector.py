"""The feature vector of a request: looked-up and derived features in order, gaps filled by declared defaults."""

from dataclasses import dataclass

import numpy as np

from feature_repo.definition import Columns, ModelDefinition


@dataclass(frozen=True)
class Assembled:
    """What a model sees, and which of it is a stand-in.

    `matrix` is (n_rows, n_features) float32 in the definition's vector order, without NaN where defaults are
    numbers; `defaulted` is bool of the same shape, true where the declared default stands.
    """

    matrix: np.ndarray
    defaulted: np.ndarray


def assemble(definition: ModelDefinition, request: Columns, looked_up: Columns) -> Assembled:
    """Return the vectors of a batch; NaN in `looked_up` or in a derived feature means missing.

    Training and serving both come through here, so a feature cannot differ between them after the lookup.
    """
    known = {**looked_up, **definition.derive(request, looked_up)}
    by_feature = np.array([known[name] for name in definition.vector], dtype=np.float64)
    defaulted = np.isnan(by_feature)
    np.copyto(by_feature, definition.defaults[:, np.newaxis], where=defaulted)
    return Assembled(matrix=by_feature.T.astype(np.float32, order="C"), defaulted=defaulted.T)
