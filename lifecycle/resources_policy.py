"""The written limits of what serving a model may take: processes, cores, memory and GPUs."""

from typing import Annotated, Literal, Self

from pydantic import Field as Limit
from pydantic import model_validator

from lifecycle.section import NotNegative, Positive, PositiveNumber, Section

Device = Literal["cpu", "cuda"]
Placement = Literal["shared", "isolated"]
LONGEST_DEADLINE_MS = 2000.0
"""Until a process that hangs is ended, all of its version's requests are answered by others."""


class ReplicasPolicy(Section):
    """How many gateway processes there are, and when there are more or fewer.

    `target_queue_depth` is how many of the model's requests one replica has under way on average. Beyond a target for
    `scale_up_after_seconds` there is one more replica; well below both for `scale_down_after_seconds`, one fewer.
    """

    minimum: Positive
    maximum: Positive
    target_queue_depth: PositiveNumber
    target_p95_ms: PositiveNumber
    scale_up_after_seconds: NotNegative
    scale_down_after_seconds: NotNegative

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum is {self.minimum}, beyond maximum {self.maximum}; allowed: at most the maximum")
        return self


class ComputingResources(Section):
    """What a version reserves beside the others of its replica, and what it computes on; 0 reserves nothing."""

    cpus: NotNegative
    gpus: NotNegative
    device: Device

    @model_validator(mode="after")
    def _gpus_can_be_given(self) -> Self:
        if self.gpus > 1 and not float(self.gpus).is_integer():
            raise ValueError(f"gpus is {self.gpus:g}; allowed: a share of one GPU, up to 1, or a whole number of them")
        if self.device == "cuda" and not self.gpus:
            raise ValueError("device is cuda, but gpus is 0, which shows the version no GPU; give it a share, above 0")
        return self


class ArmResources(ComputingResources):
    """What a version that answers may take, and where it stands: in the gateway, or in a process of its own.

    The operating system holds an isolated version to `memory_mb`, and its process is ended when a call takes longer
    than `deadline_ms`. A shared one only reserves its memory.
    """

    memory_mb: NotNegative
    placement: Placement
    deadline_ms: Annotated[float, Limit(gt=0, le=LONGEST_DEADLINE_MS)] | None = None

    @model_validator(mode="after")
    def _isolation_has_its_limits(self) -> Self:
        isolated = self.placement == "isolated"
        if isolated != (self.deadline_ms is not None):
            raise ValueError("deadline_ms and placement isolated go together: only a process of its own can be ended")
        if isolated and not self.memory_mb:
            raise ValueError("memory_mb is 0, but an isolated version is held to it; allowed: above 0")
        return self


class ResourcesPolicy(Section):
    """What each gateway replica may take for a model, arm by arm; a version that was champion stands as one.

    A shadow always has a process of its own, whose memory `rollout.shadow.memory_limit_mb` limits.
    """

    replicas: ReplicasPolicy
    champion: ArmResources
    canary: ArmResources
    shadow: ComputingResources
