"""What serving a model may take, as English sentences."""

from collections.abc import Iterator

from lifecycle.explaining_rules import listed
from lifecycle.resources_policy import ArmResources, ComputingResources, ReplicasPolicy, ResourcesPolicy


def explain_resources(resources: ResourcesPolicy) -> Iterator[str]:
    """Yield how many processes there are and when there are more, and what each arm takes in each of them."""
    yield from _replicas(resources.replicas)
    yield from _arm("champion", resources.champion)
    yield from _arm("canary", resources.canary)
    yield f"The shadow has a process of its own and {_taken(resources.shadow)}."


def _replicas(replicas: ReplicasPolicy) -> Iterator[str]:
    if replicas.minimum == replicas.maximum:
        yield f"{_processes(replicas.minimum)} for it, whatever the load."
        return
    yield (
        f"From {replicas.minimum} to {replicas.maximum} gateway processes answer for it. When one has more than "
        f"{replicas.target_queue_depth:g} of its requests under way, or 5 in a hundred take more than "
        f"{replicas.target_p95_ms:g} milliseconds, for {replicas.scale_up_after_seconds:g} seconds, there are more; "
        f"after {replicas.scale_down_after_seconds:g} seconds well below both, one fewer."
    )


def _processes(number: int) -> str:
    return "One gateway process answers" if number == 1 else f"{number} gateway processes answer"


def _arm(name: str, arm: ArmResources) -> Iterator[str]:
    if arm.placement == "shared":
        memory = f", with {arm.memory_mb:g} megabytes of memory set aside" if arm.memory_mb else ""
        yield f"The {name} stands in the gateway's own process and {_taken(arm)}{memory}."
        return
    yield (
        f"The {name} has a process of its own and {_taken(arm)}. The system allows it {arm.memory_mb:g} megabytes of "
        f"memory, and it is ended and started again when an answer takes more than {arm.deadline_ms:g} milliseconds."
    )


def _taken(arm: ComputingResources) -> str:
    set_aside = [_number(arm.cpus, "processor core"), _number(arm.gpus, "GPU")]
    told = listed(tuple(one for one in set_aside if one))
    computes = "the GPU" if arm.device == "cuda" else "the processor"
    return f"computes on {computes}" + (f", with {told} set aside for it" if told else "")


def _number(amount: float, unit: str) -> str:
    return f"{amount:g} {unit}{'' if amount <= 1 else 's'}" if amount else ""
