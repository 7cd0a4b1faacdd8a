"""Boosters: the same rows give the same bytes."""

import pytest

from flows.training.booster import grow_booster, total_gains
from lifecycle.policy import Policy
from tests.flows import toy


def test_booster_of_the_same_rows_has_the_same_bytes(policy: Policy) -> None:
    """Nothing but rows and policy is in the model file: no time, no thread, no chance."""
    rows = toy.some_rows(3000)
    grown = [grow_booster(rows.matrix, rows.labels, toy.DEFINITION.vector, policy.training) for _ in range(2)]
    assert grown[0].save_raw("ubj") == grown[1].save_raw("ubj")


def test_gains_are_shares_of_the_features_that_matter(policy: Policy) -> None:
    """Level and load carry the truth, and come first."""
    rows = toy.some_rows(3000)
    gains = total_gains(grow_booster(rows.matrix, rows.labels, toy.DEFINITION.vector, policy.training))
    assert sum(gains.values()) == pytest.approx(1)
    assert set(list(gains)[:2]) == {"level", "asked_load"}
