"""What the models' policies ask of Ray together: how large a replica is, and how many there may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lifecycle.errors import PolicyInvalid
from lifecycle.policy import Policy

MEGABYTE = 1_000_000
UNITS = {"cpus": ("CPU", 1.0), "gpus": ("GPU", 1.0), "memory_mb": ("memory", float(MEGABYTE))}
"""By the keys of a policy: Ray's names, and how many of its units each is."""


@dataclass(frozen=True)
class Share:
    """What one key of a policy asks of every replica, in the key's own unit."""

    model: str
    key: str
    amount: float

    @property
    def unit(self) -> str:
        """The resource: cpus, gpus or memory_mb."""
        return "memory_mb" if "memory" in self.key else self.key.rpartition(".")[2]


@dataclass(frozen=True)
class Demand:
    """One replica's needs key by key, and the bounds of their number; delays are in seconds.

    Every replica holds every arm of every model, so its needs are their sum. Of the bounds the most demanding count:
    the largest minimum and maximum, the shortest time before there are more, the longest before there are fewer.
    """

    shares: tuple[Share, ...]
    minimum: int
    maximum: int
    scale_up_after: float
    scale_down_after: float

    def of_a_replica(self, unit: str) -> float:
        """Return the sum of a resource that one replica needs."""
        return sum(share.amount for share in self.shares if share.unit == unit)

    def keys(self, unit: str) -> str:
        """Return the keys that ask for a resource, and how much, for a message."""
        told = [f"{one.key} of {one.model} ({one.amount:g})" for one in self.shares if one.unit == unit and one.amount]
        return ", ".join(told)

    def actor_options(self) -> dict[str, float]:
        """Return the options of a replica's actor.

        Raises PolicyInvalid when Ray cannot give its GPUs: a replica has a share of one, or whole ones.
        """
        gpus = self.of_a_replica("gpus")
        if gpus > 1 and not float(gpus).is_integer():
            raise PolicyInvalid(
                f"one replica would need {gpus:g} GPUs: {self.keys('gpus')}; allowed: together up to 1, or a whole "
                "number. Change one of these keys."
            )
        options = {"num_cpus": self.of_a_replica("cpus"), "num_gpus": gpus}
        memory = self.of_a_replica("memory_mb") * MEGABYTE
        return {**options, "memory": float(int(memory))} if memory else options

    def require_there(self, there: Mapping[str, float]) -> None:
        """Raise PolicyInvalid unless so many of Ray's resources are enough for the smallest number of replicas."""
        for unit, (name, size) in UNITS.items():
            each, found = self.of_a_replica(unit), there.get(name, 0.0) / size
            if each * self.minimum > found:
                replicas = "1 replica" if self.minimum == 1 else f"{self.minimum} replicas"
                raise PolicyInvalid(
                    f"{self.keys(unit)} ask for {each:g} {unit} in each of {replicas} (replicas.minimum), together "
                    f"{each * self.minimum:g}; there are {found:g}. Lower one of these keys, or serve on a larger "
                    "machine."
                )


def require_reachable(policies: Sequence[Policy], at_once: int) -> None:
    """Raise PolicyInvalid for a target queue that no replica ever has, because it works on so many requests at once."""
    for policy in policies:
        bounds = policy.resources.replicas
        if bounds.minimum < bounds.maximum and bounds.target_queue_depth >= at_once:
            raise PolicyInvalid(
                f"resources.replicas.target_queue_depth of {policy.model} is {bounds.target_queue_depth:g}, but a "
                f"replica works on {at_once} requests at once (HOLDFAST_REPLICA_REQUESTS), and the others wait before "
                f"it: the target would never be exceeded; allowed: below {at_once}. Lower it, or raise the setting."
            )


def demand_of(policies: Sequence[Policy]) -> Demand:
    """Return what policies ask for together; without any, one replica that reserves nothing."""
    bounds = [policy.resources.replicas for policy in policies]
    return Demand(
        shares=tuple(share for policy in policies for share in _shares(policy)),
        minimum=max((one.minimum for one in bounds), default=1),
        maximum=max((one.maximum for one in bounds), default=1),
        scale_up_after=min((one.scale_up_after_seconds for one in bounds), default=0.0),
        scale_down_after=max((one.scale_down_after_seconds for one in bounds), default=0.0),
    )


def _shares(policy: Policy) -> list[Share]:
    resources: dict[str, Any] = policy.resources.model_dump(include={"champion", "canary", "shadow"})
    asked = {
        f"resources.{arm}.{unit}": section[unit]
        for arm, section in resources.items()
        for unit in UNITS
        if unit in section
    }
    # Its process stands beside the replica, and its limit is written where its other limits are.
    asked["rollout.shadow.memory_limit_mb"] = policy.rollout.shadow.memory_limit_mb
    return [Share(policy.model, key, float(amount)) for key, amount in asked.items()]
