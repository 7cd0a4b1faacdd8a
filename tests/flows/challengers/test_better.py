"""The better version learns from everything and says things more gently."""

import numpy as np

from flows.challengers.better import make_better, slower
from flows.challengers.material import Material, mean_log_loss
from tests.flows import toy
from tests.flows.challengers.conftest import noisy


def test_a_better_version_has_found_what_there_is_to_know(material: Material) -> None:
    """On rows it has not seen it is far from guessing, with a fifth of the labels turned."""
    later = noisy(toy.some_rows(4000, seed=3), seed=3)
    assert mean_log_loss(later.labels, make_better(material).model.inplace_predict(later.matrix)) < 0.6


def test_a_better_version_tells_the_loss_of_rows_it_had_not_seen(material: Material) -> None:
    """Its author's figure is no worse than what it really gives, and no better than learned rows would give."""
    made = make_better(material)
    judge = material.rows.judge
    assert made.own_log_loss > mean_log_loss(judge.labels, made.model.inplace_predict(judge.matrix))
    assert made.example.shape == (16, 3)
    assert made.example.dtype == np.float32


def test_the_slower_recipe_takes_twice_the_rounds_at_half_the_rate(material: Material) -> None:
    """The champion's own recipe stays as the policy has it."""
    training = material.policy.training
    recipe = slower(training, features=43)
    assert (recipe.rounds, recipe.parameters.learning_rate) == (
        2 * training.rounds,
        training.parameters.learning_rate / 2,
    )
    assert recipe.seed == training.seed
    assert recipe.parameters.colsample_bytree == 0.625 * training.parameters.colsample_bytree


def test_a_tree_of_few_features_sees_them_all(material: Material) -> None:
    """With one of three it could not see that two count together."""
    assert slower(material.policy.training, features=3).parameters.colsample_bytree == 1
