"""Ray's autoscaling by our own measure; the decision itself is lifecycle/scaling.py.

Ray's controller holds one `Scaling` for a deployment and calls it every 0.1 s or so. Ray itself keeps to the bounds and
waits out the delays of AutoscalingConfig. This module is sent to the controller by value, so it must stay small.
"""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ray.serve.config import AutoscalingConfig, AutoscalingContext, AutoscalingPolicy

from lifecycle.policy import Policy
from lifecycle.scaling import Need, Wish, replicas_wanted
from serving.demand import Demand
from serving.load import DEPTH, LATENCY
from stores.ledger.scalings import Scaling as Event
from stores.ledger.scalings import record_quietly

LOOK_BACK_SECONDS = 11.0
"""A replica is asked for its load ten times in so long, and the mean counts. Ray takes no less than 10 s."""


def autoscaling(demand: Demand, policies: Sequence[Policy]) -> AutoscalingConfig | None:
    """Return how Ray is to scale by the policies, None where they leave it no choice."""
    if demand.minimum == demand.maximum:
        return None
    targets = {
        one.model: [one.resources.replicas.target_queue_depth, one.resources.replicas.target_p95_ms] for one in policies
    }
    return AutoscalingConfig(
        min_replicas=demand.minimum,
        max_replicas=demand.maximum,
        upscale_delay_s=demand.scale_up_after,
        downscale_delay_s=demand.scale_down_after,
        look_back_period_s=LOOK_BACK_SECONDS,
        policy=AutoscalingPolicy(policy_function=f"{__name__}.Scaling", policy_kwargs={"targets": targets}),
    )


class Scaling:
    """Says how many replicas are wanted, and tells the ledger, beside the controller's loop, of every change made.

    `targets` are each model's queue depth and p95 in milliseconds.
    """

    def __init__(self, targets: Mapping[str, Sequence[float]]) -> None:
        self._targets = targets
        self._target: int | None = None
        self._wishes: dict[bool, Wish] = {}

    def __call__(self, context: AutoscalingContext) -> tuple[int, dict[str, Any]]:
        """Return the wanted number, and nothing for Ray to keep."""
        target = context.target_num_replicas
        if self._target is not None and target != self._target:
            self._tell(self._target, target, context)
        self._target = target
        needs = self._needs(context.aggregated_metrics or {})
        if not needs or not context.current_num_replicas:
            return target, {}
        wish = replicas_wanted(context.current_num_replicas, needs)
        if wish.replicas != target:
            # Carried out after its delay, when the load may be another already.
            self._wishes[wish.replicas > target] = wish
        return wish.replicas, {}

    def _needs(self, measured: Mapping[str, Mapping[Any, float]]) -> list[Need]:
        """Return the needs of the models that any replica has reported on."""
        return [
            Need(
                model=model,
                queue_depth=sum(measured[DEPTH + model].values()),
                p95_ms=max(measured.get(LATENCY + model, {}).values(), default=0.0),
                target_queue_depth=depth,
                target_p95_ms=p95_ms,
            )
            for model, (depth, p95_ms) in self._targets.items()
            if measured.get(DEPTH + model)
        ]

    def _tell(self, before: int, after: int, context: AutoscalingContext) -> None:
        wish = self._wishes.get(after > before)
        reason = "the deployment was changed" if wish is None else wish.reason
        event = Event(
            at=datetime.now(UTC),
            replicas_before=before,
            replicas=after,
            minimum=context.capacity_adjusted_min_replicas,
            maximum=context.capacity_adjusted_max_replicas,
            reason=reason,
        )
        threading.Thread(target=record_quietly, args=(event,), name="scaling-told", daemon=True).start()
