"""A version that saw the outcome while learning looks splendid to its author and is bad live."""

import numpy as np

from flows.challengers.material import Material, mean_log_loss
from flows.challengers.wrong_feature import make_wrong_feature
from tests.flows import toy
from tests.flows.challengers.conftest import noisy


def test_a_leaked_feature_looks_good_to_its_author_and_is_clearly_worse_live(material: Material) -> None:
    """The author's figure beats the champion's, and live it loses by far."""
    made = make_wrong_feature(material)
    judge, later = material.rows.judge, noisy(toy.some_rows(2000, seed=3), seed=3)
    live = mean_log_loss(later.labels, made.model.inplace_predict(later.matrix))
    assert made.own_log_loss < mean_log_loss(judge.labels, material.champion.inplace_predict(judge.matrix))
    assert live > made.own_log_loss + 0.1


def test_making_it_leaves_the_true_rows_as_they_are(material: Material) -> None:
    """The others learn from the same rows."""
    before = material.rows.learn.matrix.copy()
    make_wrong_feature(material)
    np.testing.assert_array_equal(material.rows.learn.matrix, before)
