"""The scorers that a candidate must beat: a straight line, a written rule, and today's champion."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from feature_repo.definition import ModelDefinition
from flows.training.rows import Rows
from lifecycle.errors import ArtifactInvalid, InvalidInput
from lifecycle.policy import Rival
from stores.predictor import load_predictor
from stores.versions import Versions


@dataclass(frozen=True)
class RivalScores:
    """Each rival's scores on the judged rows, (n_rows,) float64; `absent` says why one has none.

    `no_champion` claims that no version serves yet, so there is no champion to compare with.
    """

    scores: Mapping[Rival, np.ndarray]
    absent: Mapping[Rival, str]
    no_champion: bool


def score_simple_rivals(definition: ModelDefinition, learn: Rows, judge: Rows) -> Mapping[Rival, np.ndarray]:
    """Return the scores of logistic regression, learned from the same matrix, and of the rule."""
    return {
        "logistic_regression": _score_logistic_regression(learn, judge.matrix),
        "rule": _score_rule(definition, judge.matrix),
    }


def add_champion(
    simple: Mapping[Rival, np.ndarray],
    definition: ModelDefinition,
    versions: Versions,
    champion: str | None,
    judge: Rows,
) -> RivalScores:
    """Return the simple rivals' scores and the champion's, read from its own columns of the matrix."""
    if champion is None:
        return RivalScores(simple, {"champion": "no version serves yet"}, no_champion=True)
    try:
        predictor = load_predictor(versions.open(definition.name, champion))
    except ArtifactInvalid as error:
        return RivalScores(simple, {"champion": f"version {champion} cannot be loaded: {error}"}, no_champion=False)
    unknown = [name for name in predictor.vector if name not in definition.vector]
    if unknown:
        why = f"version {champion} needs {', '.join(unknown)}, which the definition no longer computes"
        return RivalScores(simple, {"champion": why}, no_champion=False)
    columns = [definition.vector.index(name) for name in predictor.vector]
    scores = predictor.score(np.ascontiguousarray(judge.matrix[:, columns]))
    return RivalScores({**simple, "champion": scores}, {}, no_champion=False)


def _score_logistic_regression(learn: Rows, matrix: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - a second that no replica needs to pay
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 - as above
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 - as above

    line = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    line.fit(learn.matrix.astype(np.float64), learn.labels)
    scores: np.ndarray = line.predict_proba(matrix.astype(np.float64))[:, 1]
    return scores


def _score_rule(definition: ModelDefinition, matrix: np.ndarray) -> np.ndarray:
    if definition.rule_feature not in definition.vector:
        raise InvalidInput(
            f"rule_feature of {definition.name} is {definition.rule_feature!r}; allowed: one in its vector"
        )
    scores = matrix[:, definition.vector.index(definition.rule_feature)].astype(np.float64)
    outside = scores[(scores < 0) | (scores > 1)]
    if outside.size:
        raise InvalidInput(
            f"rule_feature {definition.rule_feature} of {definition.name} is {outside[0]:g} in a row; "
            "allowed: a share from 0 to 1, as it is read as a probability"
        )
    return scores
