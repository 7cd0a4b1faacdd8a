"""The small model that learns a booster's scores: what it is like, and what is kept of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.training.booster import grow_booster
from flows.training.rows import TrainingRows, training_rows
from flows.training.small import JUDGED_FILE, MODEL_FILE, grow_small, small_metrics, write_small
from flows.training.window import TrainingWindow
from lifecycle.policy import Policy
from stores.predictor import predictor_of
from tests.flows import toy

VECTOR = toy.DEFINITION.vector


@pytest.fixture(scope="module")
def rows() -> TrainingRows:
    """Return rows to learn from and others to judge by."""
    window = TrainingWindow(toy.START, toy.START, toy.END, toy.END)
    return training_rows(window, toy.some_rows(3000), toy.some_rows(1000, seed=2))


def test_small_model_learns_the_scores_and_has_the_same_bytes_each_time(policy: Policy, rows: TrainingRows) -> None:
    """It comes near the booster on rows that neither saw, with fewer and shallower trees."""
    teacher = grow_booster(rows.learn.matrix, rows.learn.labels, VECTOR, policy.training)
    first, second = (grow_small(teacher, rows, policy.training, weights=None) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.booster.save_raw("ubj") == second.booster.save_raw("ubj")
    assert policy.training.small is not None
    assert first.booster.num_boosted_rounds() == policy.training.small.rounds < policy.training.rounds
    taught = predictor_of(teacher, VECTOR).score(rows.judge.matrix)
    assert np.corrcoef(first.scores, taught)[0, 1] > 0.8


def test_weights_count_in_what_is_learned(policy: Policy, rows: TrainingRows) -> None:
    """A row that counts more for the booster counts more for its small model."""
    teacher = grow_booster(rows.learn.matrix, rows.learn.labels, VECTOR, policy.training)
    even = np.ones(len(rows.learn.labels), dtype=np.float32)
    plain = grow_small(teacher, rows, policy.training, weights=even)
    uneven = grow_small(teacher, rows, policy.training, weights=even + 4 * rows.learn.labels.astype(np.float32))
    assert plain is not None
    assert uneven is not None
    assert uneven.scores.mean() > plain.scores.mean()


def test_without_a_recipe_there_is_none(policy: Policy, rows: TrainingRows) -> None:
    """A policy that says nothing of a small model has none."""
    training = policy.training.model_copy(update={"small": None})
    teacher = grow_booster(rows.learn.matrix, rows.learn.labels, VECTOR, training)
    assert grow_small(teacher, rows, training, weights=None) is None


def test_it_is_measured_beside_its_teacher(policy: Policy, rows: TrainingRows) -> None:
    """Log loss, how often it decides otherwise, and what both take for a row and for many."""
    teacher = grow_booster(rows.learn.matrix, rows.learn.labels, VECTOR, policy.training)
    small = grow_small(teacher, rows, policy.training, weights=None)
    assert small is not None
    scores = predictor_of(teacher, VECTOR).score(rows.judge.matrix)
    metrics = small_metrics(small, rows.judge, scores, policy)
    otherwise = ((small.scores >= 0.5) != (scores >= 0.5)).mean()
    assert metrics["small/decided_otherwise"] == otherwise > 0
    assert 0 < metrics["small/log_loss"] < 0.69
    assert 0 <= metrics["small/calibration_error"] < 0.2
    for name in ("candidate", "small"):
        assert 0 < metrics[f"{name}/latency_ms_1_row"] < 1000
        assert 0 < metrics[f"{name}/latency_ms_64_rows"] < 1000


def test_its_files_hold_the_trees_and_the_judged_rows(policy: Policy, rows: TrainingRows, tmp_path: Path) -> None:
    """Label, the version's score and its own, row by row; and its scores on the version's example."""
    teacher = grow_booster(rows.learn.matrix, rows.learn.labels, VECTOR, policy.training)
    small = grow_small(teacher, rows, policy.training, weights=None)
    assert small is not None
    scores = predictor_of(teacher, VECTOR).score(rows.judge.matrix)
    said = write_small(tmp_path, small, rows.judge, scores, rows.judge.matrix[:4])
    assert (said.model_file, said.judged_file) == (MODEL_FILE, JUDGED_FILE)
    assert said.scores == tuple(small.scores[:4])
    judged = np.load(tmp_path / JUDGED_FILE, allow_pickle=False)
    assert (judged == np.column_stack([rows.judge.labels, scores, small.scores]).astype(np.float32)).all()


def test_of_many_judged_rows_so_many_are_kept(
    policy: Policy, rows: TrainingRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version does not grow with its window."""
    monkeypatch.setattr("flows.training.small.JUDGED_AT_MOST", 100)
    teacher = grow_booster(rows.learn.matrix, rows.learn.labels, VECTOR, policy.training)
    small = grow_small(teacher, rows, policy.training, weights=None)
    assert small is not None
    write_small(tmp_path, replace(small), rows.judge, small.scores, rows.judge.matrix[:4])
    judged = np.load(tmp_path / JUDGED_FILE, allow_pickle=False)
    assert judged.shape == (100, 3)
    assert judged[0, 2] == np.float32(small.scores[0])
    assert judged[-1, 2] == np.float32(small.scores[-1])
