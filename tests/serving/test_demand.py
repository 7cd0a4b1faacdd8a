"""What several policies ask of Ray together."""

import warnings
from typing import Any

import pytest

from lifecycle.errors import PolicyInvalid
from lifecycle.policy import Policy
from serving.demand import demand_of, require_reachable
from stores.policies import load_policy
from tests.serving.conftest import MODEL, POLICIES

THERE = {"CPU": 4.0, "GPU": 2.0, "memory": 8e9}


def policy(model: str = MODEL, replicas: dict[str, Any] | None = None, **arms: dict[str, Any]) -> Policy:
    """Return the shipped policy with changed replicas, and keys of its arms."""
    shipped = load_policy(POLICIES, MODEL)
    resources = shipped.resources
    changed: dict[str, Any] = {
        arm: getattr(resources, arm).model_copy(update={"memory_mb": 0, **arms.get(arm, {})})
        for arm in ("champion", "canary")
    }
    shadow = resources.shadow.model_copy(update=arms.get("shadow", {}))
    changed |= {"shadow": shadow, "replicas": resources.replicas.model_copy(update=replicas or {})}
    return shipped.model_copy(update={"model": model, "resources": resources.model_copy(update=changed)})


def scaled(*policies: Policy) -> Any:
    """Return how Ray is to scale by policies."""
    # Ray's own classes, at import.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from serving.autoscaling import autoscaling  # noqa: PLC0415 - as above

    return autoscaling(demand_of(policies), policies)


def test_replica_needs_what_all_arms_of_all_models_need() -> None:
    """The shadow's memory too, because its process stands beside the replica."""
    one = policy(champion={"cpus": 1, "memory_mb": 300}, canary={"cpus": 0.5}, shadow={"cpus": 0.25})
    other = policy("other", champion={"cpus": 1, "gpus": 0.5})
    assert demand_of([one, other]).actor_options() == {
        "num_cpus": 2.75,
        "num_gpus": 0.5,
        "memory": (300 + 1024 + 1024) * 1e6,
    }


def test_most_demanding_bounds_count() -> None:
    """The largest numbers, the quickest way up and the slowest way down."""
    one = policy(replicas={"minimum": 1, "maximum": 6, "scale_up_after_seconds": 20, "scale_down_after_seconds": 100})
    other = policy("other", replicas={"minimum": 2, "maximum": 3, "scale_up_after_seconds": 5})
    config = scaled(one, other)
    assert config is not None
    assert (config.min_replicas, config.max_replicas) == (2, 6)
    assert (config.upscale_delay_s, config.downscale_delay_s) == (5, 300)
    assert config.policy.policy_kwargs["targets"] == {MODEL: [16.0, 100.0], "other": [16.0, 100.0]}


def test_equal_bounds_leave_nothing_to_scale() -> None:
    """Then Ray has a plain number of replicas, and asks nobody for a load."""
    assert scaled(policy()) is None
    demand = demand_of([])
    assert (demand.minimum, demand.maximum, demand.actor_options()) == (1, 1, {"num_cpus": 0, "num_gpus": 0})


def test_gpus_that_ray_cannot_give_are_refused_by_key() -> None:
    """A share of one, or whole ones; the sum of several keys may be neither."""
    with pytest.raises(PolicyInvalid, match=r"1.5 GPUs: resources.champion.gpus of flight_delay \(1\), resources.can"):
        demand_of([policy(champion={"gpus": 1}, canary={"gpus": 0.5})]).actor_options()
    assert demand_of([policy(champion={"gpus": 0.5}, canary={"gpus": 0.5})]).actor_options()["num_gpus"] == 1


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        ({"champion": {"cpus": 3}}, r"resources.champion.cpus of flight_delay \(3\) ask for 3 cpus in each of 2 repl"),
        ({"canary": {"gpus": 2}}, r"\(2\) ask for 2 gpus in each of 2 replicas .*, together 4; there are 2. Lower"),
        (
            {"champion": {"memory_mb": 7000}},
            r"rollout.shadow.memory_limit_mb of flight_delay \(1024\) ask for 8024 m",
        ),
    ],
)
def test_demand_that_cannot_be_met_names_keys_and_what_there_is(arms: dict[str, dict[str, Any]], words: str) -> None:
    """Otherwise Ray would wait for it in silence."""
    replicas = {"minimum": 2, "maximum": 2}
    demand_of([policy(replicas=replicas)]).require_there(THERE)
    with pytest.raises(PolicyInvalid, match=words):
        demand_of([policy(MODEL, replicas, **arms)]).require_there(THERE)


def test_target_queue_beyond_what_a_replica_works_on_is_refused() -> None:
    """It would look like autoscaling and never scale out; a fixed number has no target."""
    scaled = policy(replicas={"minimum": 1, "maximum": 2, "target_queue_depth": 32})
    require_reachable([scaled], 33)
    require_reachable([policy(replicas={"minimum": 2, "maximum": 2, "target_queue_depth": 32})], 32)
    with pytest.raises(PolicyInvalid, match=r"target_queue_depth of .* is 32, .*HOLDFAST_REPLICA_REQUESTS.*below 32"):
        require_reachable([scaled], 32)
