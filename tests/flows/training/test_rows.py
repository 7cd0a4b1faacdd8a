"""The rows of a training and their digest."""

from dataclasses import replace

import numpy as np

from flows.training.rows import training_rows
from flows.training.window import choose_window
from lifecycle.policy import Policy
from tests.flows import toy


def test_data_digest_changes_with_ids_features_and_labels(policy: Policy) -> None:
    """Any cell that a model learns from shows in the digest; equal data gives an equal one."""
    window = choose_window(policy.training, toy.END)
    base, judge = toy.some_rows(10), toy.some_rows(5, seed=2)
    nudged = base.matrix.copy()
    nudged[3, 1] = np.nextafter(nudged[3, 1], np.float32(2))
    variants = [
        base,
        replace(base, frame=base.frame.assign(example_id=base.frame["example_id"].shift(1, fill_value="x"))),
        replace(base, matrix=nudged),
        replace(base, labels=1 - base.labels),
    ]
    digests = [training_rows(window, learn, judge).digest for learn in variants]
    assert len(set(digests)) == len(variants)
    assert training_rows(window, toy.some_rows(10), judge).digest == digests[0]
