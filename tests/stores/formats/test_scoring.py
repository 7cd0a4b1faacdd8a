"""What a model may give: one probability per row, and a message about anything else."""

import numpy as np
import pytest

from lifecycle.errors import ArtifactInvalid
from stores.formats.scoring import of_class_one, probabilities


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.array([0.1, np.nan]), r"gave np.float64\(nan\) for row 1"),
        (np.array([0.1, 1.5]), "for row 1, and 1 of 2 scores like it; allowed: probabilities from 0 to 1"),
        (np.array([-0.1, 0.5]), "for row 0"),
        (np.array([0.5]), r"shape \(1,\) for 2 rows; allowed: \(2,\)"),
        (np.full((2, 3), 0.3), r"shape \(2, 3\)"),
        ([{0: 0.5, 1: 0.5}] * 2, "gave list; allowed: one probability per row"),
    ],
)
def test_output_that_is_no_probability_is_named(given: object, words: str) -> None:
    """The message says what came instead."""
    with pytest.raises(ArtifactInvalid, match=words):
        probabilities(given, 2)


def test_second_of_two_columns_is_the_score() -> None:
    """Columns that do not sum to 1 are no probabilities of two classes."""
    assert probabilities(of_class_one(np.array([[0.9, 0.1], [0.2, 0.8]]), 2), 2).tolist() == [0.1, 0.8]
    assert probabilities(of_class_one(np.array([[0.9], [0.2]]), 2), 2).tolist() == [0.9, 0.2]
    with pytest.raises(ArtifactInvalid, match=r"gave \[0.9, 0.9\] for row 0; allowed: probabilities of the classes"):
        of_class_one(np.full((1, 2), 0.9), 1)
