"""The error probability is shared out over every chance to take back a good version."""

import pytest

from lifecycle.judge.split import champion_proof, chances_of_harm, detectors, trial_proof
from lifecycle.rollout_policy import CanaryStep, RolloutRule
from tests.policies import error_rule, small_rollout

SLICED = RolloutRule.model_validate(
    {
        "id": "by-place",
        "when": {
            "metric": "error_rate",
            "arm": "canary",
            "worse_than": "champion",
            "by_more_than": 0.1,
            "in_slices_of": ["place"],
            "slices_at_most": 7,
        },
        "then": "roll_back",
        "veto_only": True,
        "because": "No place may be left out.",
    }
)
MEMORY = RolloutRule.model_validate(
    {
        "id": "memory",
        "when": {"metric": "memory_mb", "arm": "shadow", "above": 900},
        "then": "reject",
        "veto_only": True,
        "because": "It must fit.",
    }
)


def test_smallest_rollout_splits_in_two() -> None:
    """One rule in shadow and one on one canary step; the champion's rule has an alarm rate of its own."""
    assert chances_of_harm(small_rollout("unit")) == 2
    assert trial_proof(small_rollout("unit")).of_harm == pytest.approx(0.005)
    assert trial_proof(small_rollout("unit")).of_safety == pytest.approx(0.01)


def test_canary_rules_count_once_a_step_and_once_a_slice() -> None:
    """Seven slices and one whole, on three steps, and one in shadow; a level is no test."""
    small = small_rollout("unit")
    steps = tuple(
        CanaryStep(share=share, minimum_hours=0, minimum_answers=1, minimum_labels=0) for share in (0.1, 0.2, 0.5)
    )
    rollout = small.model_copy(
        update={
            "rules": (*small.rules, SLICED, MEMORY),
            "canary": small.canary.model_copy(update={"steps": steps}),
        }
    )
    assert chances_of_harm(rollout) == 1 + 3 * (1 + 7)


def test_champions_rules_share_its_false_alarms() -> None:
    """Two rules over hourly windows, one false alarm a year together."""
    small = small_rollout("unit")
    second = error_rule("champion").model_copy(update={"id": "again"})
    rollout = small.model_copy(update={"rules": (*small.rules, second)})
    assert detectors(rollout) == 2
    assert champion_proof(rollout).of_harm == pytest.approx(1 / (365 * 24) / 2)
