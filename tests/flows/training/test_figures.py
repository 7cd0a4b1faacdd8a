"""Pictures with their numbers."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from flows.training.figures import draw_figures
from lifecycle.policy import Policy


def test_figures_are_pictures_with_their_numbers(tmp_path: Path, policy: Policy) -> None:
    """Each figure is a PNG and a JSON, drawn for two scorers or four."""
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 2, size=300)
    scorers = ("candidate", "champion", "logistic regression", "rule")
    scores: Mapping[str, np.ndarray] = {scorer: rng.random(300) for scorer in scorers}
    draw_figures(tmp_path, labels, scores, {"level": 0.7, "load": 0.3}, policy)
    for name in ("calibration", "business_cost", "feature_gain"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    costs = json.loads((tmp_path / "business_cost.json").read_text(encoding="utf-8"))
    assert len(costs["thresholds"]) == len(costs["cost_per_row"]["rule"])
