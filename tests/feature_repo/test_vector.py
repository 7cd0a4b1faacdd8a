"""Vectors come in the declared order, with declared defaults where something is missing."""

from datetime import timedelta

import numpy as np

from feature_repo.vector import assemble
from tests.feature_repo.shops import NOON, SHOPS, ask


def test_missing_features_are_served_by_their_defaults_and_marked() -> None:
    """Looked-up and derived alike; what is derived from a missing value has its own default."""
    request = ask(("north", NOON), ("south", NOON + timedelta(hours=1)))
    looked_up = {
        "last_amount": np.array([3.0, np.nan]),
        "last_tax": np.array([0.0, 0.0]),
        "floors": np.array([5.0, 6.0]),
    }
    assembled = assemble(SHOPS, request, looked_up)
    assert SHOPS.vector == ("hour", "last_amount", "amount_doubled", "floors")
    assert assembled.matrix.tolist() == [[12.0, 3.0, 6.0, 5.0], [13.0, 7.0, -1.0, 6.0]]
    assert assembled.defaulted.tolist() == [[False, False, False, False], [False, True, True, False]]


def test_matrix_is_what_the_booster_wants() -> None:
    """float32, one contiguous row per request."""
    looked_up = {name: np.array([1.0]) for name in ("last_amount", "last_tax", "floors")}
    assembled = assemble(SHOPS, ask(("north", NOON)), looked_up)
    assert assembled.matrix.dtype == np.float32
    assert assembled.matrix.flags.c_contiguous
