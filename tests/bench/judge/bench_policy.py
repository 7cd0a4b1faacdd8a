"""The policy that the simulated rollouts are judged by."""

from lifecycle.policy import Policy
from lifecycle.rollout_policy import RolloutPolicy
from tests.lifecycle.rollouts import policy_with
from tests.policies import small_rollout

SLICES = 10
ERROR_MARGIN = 0.01
SLICE_ERROR_MARGIN = 0.03
LATENCY_PERCENT = 10.0
QUALITY_MARGIN = 0.03
SLICE_QUALITY_MARGIN = 0.06
SHARES = (0.05, 0.2, 0.5)
BY_SLICE = {"in_slices_of": ("slice",), "slices_at_most": SLICES}


def bench_policy() -> Policy:
    """Return three steps, an error probability of 0.01, and rules on errors, latency and quality."""
    small = small_rollout("unit").model_dump()
    small["canary"] |= {
        "longest_hold_hours": 1000,
        "steps": [
            {"share": share, "minimum_hours": 0, "minimum_answers": 500, "minimum_labels": 0} for share in SHARES
        ],
    }
    small["shadow"] |= {"minimum_answers": 500, "longest_hold_hours": 1000}
    small["rules"] = [
        _rule("shadow-errors", "shadow", {"metric": "error_rate", "by_more_than": ERROR_MARGIN}),
        _rule("shadow-quality", "shadow", {"metric": "log_loss", "by_more_than": QUALITY_MARGIN}),
        _rule(
            "shadow-quality-by-slice",
            "shadow",
            {"metric": "log_loss", "by_more_than": SLICE_QUALITY_MARGIN, **BY_SLICE},
        ),
        _rule("canary-errors", "canary", {"metric": "error_rate", "by_more_than": ERROR_MARGIN}),
        _rule(
            "canary-errors-by-slice",
            "canary",
            {"metric": "error_rate", "by_more_than": SLICE_ERROR_MARGIN, **BY_SLICE},
            veto_only=True,
        ),
        _rule("canary-latency", "canary", {"metric": "latency_p95_ms", "by_more_than_percent": LATENCY_PERCENT}),
        {
            "id": "champion-errors",
            "when": {"metric": "error_rate", "arm": "champion", "above": 0.02},
            "then": "roll_back",
            "veto_only": True,
            "because": "The version before it answered.",
        },
    ]
    return policy_with(RolloutPolicy.model_validate(small))


def _rule(name: str, arm: str, when: dict[str, object], *, veto_only: bool = False) -> dict[str, object]:
    return {
        "id": name,
        "when": {"arm": arm, "worse_than": "champion", **when},
        "then": "reject" if arm == "shadow" else "roll_back",
        "veto_only": veto_only,
        "because": "It is simulated.",
    }
