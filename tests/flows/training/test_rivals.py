"""The scorers that a candidate must beat."""

from dataclasses import replace

import pytest

from feature_repo.definition import ModelDefinition
from flows.training.rivals import score_simple_rivals
from lifecycle.errors import InvalidInput
from tests.flows import toy


def test_simple_rivals_score_the_judged_rows() -> None:
    """The rule is the feature itself; the line gives probabilities."""
    learn, judge = toy.some_rows(500), toy.some_rows(100, seed=2)
    scores = score_simple_rivals(toy.DEFINITION, learn, judge)
    assert scores["rule"].tolist() == judge.matrix[:, 1].astype(float).tolist()
    line = scores["logistic_regression"]
    assert line.shape == (100,)
    assert ((line > 0) & (line < 1)).all()


@pytest.mark.parametrize(
    ("rule_feature", "words"),
    [("level", "allowed: a share from 0 to 1"), ("absent", "is 'absent'; allowed: one in its vector")],
)
def test_rule_that_is_no_probability_is_refused(rule_feature: str, words: str) -> None:
    """Costs and log-loss of such a rule would be nonsense."""
    definition: ModelDefinition = replace(toy.DEFINITION, rule_feature=rule_feature)
    with pytest.raises(InvalidInput, match=words):
        score_simple_rivals(definition, toy.some_rows(200), toy.some_rows(50))
