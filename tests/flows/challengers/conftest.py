"""A toy's material: rows with a known truth, and a champion that has learned from the first of them."""

from dataclasses import replace

import numpy as np
import pytest

from flows.challengers.material import Material
from flows.training.booster import grow_booster
from flows.training.rows import Rows, training_rows
from flows.training.window import TrainingWindow
from lifecycle.policy import Policy
from stores.policies import load_policy
from tests.flows import toy


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """Return the toy's policy."""
    folder = tmp_path_factory.mktemp("policies")
    (folder / "toy.yaml").write_text(toy.POLICY, encoding="utf-8")
    return load_policy(folder, "toy")


@pytest.fixture(scope="session")
def material(policy: Policy) -> Material:
    """Return 3,000 rows to learn from and 1,000 later ones; one site is told by a late share above 0.9."""
    learn, judge = _sited(noisy(toy.some_rows(3000), 1)), _sited(noisy(toy.some_rows(1000, seed=2), 2))
    rows = training_rows(TrainingWindow(toy.START, toy.START, toy.END, toy.END), learn, judge)
    champion = grow_booster(learn.matrix, learn.labels, toy.DEFINITION.vector, policy.training)
    return Material(toy.DEFINITION, policy, rows, champion)


def noisy(rows: Rows, seed: int) -> Rows:
    """Return rows of which a fifth have the other label: what cannot be known."""
    turned = np.random.default_rng(seed).random(len(rows.labels)) < 0.2
    return replace(rows, labels=np.where(turned, 1 - rows.labels, rows.labels))


def _sited(rows: Rows) -> Rows:
    late_share = rows.matrix[:, 1]
    sites = np.where(late_share > 0.9, "south", "north").astype(object)
    return replace(rows, slices={"site": sites})
