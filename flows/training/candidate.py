"""A freshly grown model with its scores on the judged rows, ready to be measured beside its rivals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from feature_repo.definition import ModelDefinition
from flows.training.booster import grow_booster
from flows.training.evaluate import evaluate
from flows.training.labelling import weights_of
from flows.training.rivals import RivalScores, add_champion, score_simple_rivals
from flows.training.rows import TrainingRows
from flows.training.small import Small, grow_small
from lifecycle.evaluation import Evaluation
from lifecycle.policy import Policy, Rival
from stores.predictor import predictor_of
from stores.versions import Versions

if TYPE_CHECKING:
    from xgboost import Booster


@dataclass(frozen=True)
class Candidate:
    """A booster, the rows that made it, its own and the simple rivals' scores on the judged ones, and its small model.

    `small` is None when the policy has no recipe for one.
    """

    definition: ModelDefinition
    policy: Policy
    rows: TrainingRows
    booster: "Booster"
    scores: np.ndarray
    simple: Mapping[Rival, np.ndarray]
    small: Small | None = None

    def beside(self, champion: str | None, versions: Versions) -> tuple[RivalScores, Evaluation]:
        """Return all rivals' scores, a given champion among them, and the evaluation that follows."""
        rivals = add_champion(self.simple, self.definition, versions, champion, self.rows.judge)
        return rivals, evaluate(self.rows.judge, self.scores, rivals, self.policy)


def grow_candidate(definition: ModelDefinition, policy: Policy, rows: TrainingRows) -> Candidate:
    """Return the candidate that the policy's training makes of some rows: always the same one."""
    learn = rows.learn
    weights = None if learn.sources is None else weights_of(learn.sources, policy.retraining)
    vector = definition.vector
    booster = grow_booster(learn.matrix, learn.labels, vector, policy.training, weights=weights)
    return Candidate(
        definition=definition,
        policy=policy,
        rows=rows,
        booster=booster,
        scores=predictor_of(booster, vector).score(rows.judge.matrix),
        simple=score_simple_rivals(definition, learn, rows.judge),
        small=grow_small(booster, rows, policy.training, weights=weights),
    )
