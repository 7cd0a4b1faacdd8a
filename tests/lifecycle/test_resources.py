"""What a policy may say of resources, and how it reads."""

from typing import Any

import pytest
from pydantic import ValidationError

from lifecycle.explaining_resources import explain_resources
from lifecycle.resources_policy import ArmResources, ReplicasPolicy, ResourcesPolicy
from tests.policies import RESOURCES

ARM: dict[str, Any] = {"cpus": 0, "gpus": 0, "device": "cpu", "memory_mb": 500, "placement": "shared"}
ISOLATED: dict[str, Any] = {**ARM, "placement": "isolated", "deadline_ms": 200}


@pytest.mark.parametrize(
    ("arm", "words"),
    [
        ({**ARM, "gpus": 1.5}, "gpus is 1.5; allowed: a share of one GPU, up to 1, or a whole number"),
        ({**ARM, "device": "cuda"}, "device is cuda, but gpus is 0"),
        ({**ARM, "placement": "isolated"}, "deadline_ms and placement isolated go together"),
        ({**ARM, "deadline_ms": 100}, "deadline_ms and placement isolated go together"),
        ({**ISOLATED, "memory_mb": 0}, "memory_mb is 0, but an isolated version is held to it"),
        ({**ISOLATED, "deadline_ms": 3000}, "less than or equal to 2000"),
    ],
)
def test_contradiction_within_an_arm_is_refused(arm: dict[str, Any], words: str) -> None:
    """With the value, and what is allowed."""
    with pytest.raises(ValidationError, match=words):
        ArmResources.model_validate(arm)


def test_bounds_out_of_order_are_refused() -> None:
    """No number of replicas lies between them."""
    replicas = RESOURCES.replicas.model_dump() | {"minimum": 3, "maximum": 2}
    with pytest.raises(ValidationError, match="minimum is 3, beyond maximum 2"):
        ReplicasPolicy.model_validate(replicas)


def test_resources_read_as_sentences() -> None:
    """Every number with its unit, and no key."""
    changed = {
        "replicas": RESOURCES.replicas.model_copy(update={"maximum": 4}),
        "champion": ArmResources.model_validate({**ARM, "cpus": 2, "gpus": 0.5, "device": "cuda"}),
        "canary": ArmResources.model_validate(ISOLATED),
    }
    text = " ".join(explain_resources(ResourcesPolicy.model_validate(RESOURCES.model_copy(update=changed))))
    for words in (
        "From 1 to 4 gateway processes answer for it.",
        "more than 16 of its requests under way, or 5 in a hundred take more than 100 milliseconds, for 15 seconds",
        "computes on the GPU, with 2 processor cores and 0.5 GPU set aside for it",
        "with 500 megabytes of memory set aside",
        "The canary has a process of its own and computes on the processor.",
        "ended and started again when an answer takes more than 200 milliseconds",
        "The shadow has a process of its own and computes on the processor.",
    ):
        assert words in text
    assert "One gateway process answers for it, whatever the load." in " ".join(explain_resources(RESOURCES))
