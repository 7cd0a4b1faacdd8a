"""The Ray Serve application: one ingress deployment that holds every model."""

import gc
import sys
from collections.abc import Mapping

import ray
import structlog
from ray import serve
from ray.serve import Application
from ray.serve.schema import LoggingConfig

from lifecycle.errors import ArtifactInvalid
from serving.autoscaling import autoscaling
from serving.demand import demand_of
from serving.gateway import open_gateway
from serving.http_protocol import use_gateway_protocol
from serving.policy_files import valid_policies
from serving.replica_log import FILE, log_to
from serving.routes import Application as AsgiApplication
from stores.settings import Settings

log = structlog.get_logger()

NAME, GATEWAY = "holdfast", "Gateway"
UNBOUNDED = 1_000_000
"""Ray's own queue limits answer in plain text; the gateway's answer with a problem and Retry-After."""
HEALTH_SECONDS = 2.0
SWITCH_SECONDS = 0.001
"""How long a thread of Python may keep the others waiting: versions score in threads of their own, and their answers
wait for the event loop otherwise, which under load gives way only after five milliseconds."""
GRACE_SECONDS = 10.0
COLLECT_AFTER = 20_000
"""New objects after which Python looks for cycles among them; after 700, the default, that took 5% of the loop."""
LOOK_AT_ALL_AFTER = 100
"""Such looks, times ten, after which Python walks through all that lives, while every answer waits; ten by default."""


@serve.ingress()
class GatewayReplica:
    """One replica: the gateway, by the name that Ray gave the process."""

    def __init__(self, chosen: Settings) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        log_to(chosen.run / FILE)
        use_gateway_protocol()
        given = ray.get_runtime_context()
        log.info("replica_placed", resources=given.get_assigned_resources(), accelerators=given.get_accelerator_ids())
        self._gateway = open_gateway(chosen, serve.get_replica_context().replica_id.unique_id)
        # What the libraries made lives as long as the process; walking through it would hold up every answer.
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER, gc.get_threshold()[1], LOOK_AT_ALL_AFTER)

    def __serve_build_asgi_app__(self) -> AsgiApplication:
        return self._gateway.application

    def record_autoscaling_stats(self) -> Mapping[str, float]:
        """Return the load of this replica since the last call; Ray asks where the number of replicas may change."""
        return self._gateway.load.sample()

    def check_health(self) -> None:
        """Raise ArtifactInvalid, which makes Ray replace this replica, when a proven version fails its example."""
        broken = self._gateway.health.broken()
        if broken:
            raise ArtifactInvalid("; ".join(broken))

    async def take_job(self, model: str, job_id: str) -> None:
        """Return once this replica has dealt with a job that Celery hands out; for the task consumer alone."""
        await self._gateway.jobs.take(model, job_id)


def build(chosen: Settings) -> Application:
    """Return the application to run, with the replicas and the reservations that the policies ask for together.

    A policy that cannot be followed holds up its own model only, and that model's readiness says why.
    Raises PolicyInvalid when the policies ask for what no replica can be given.
    """
    policies = valid_policies(chosen.policies)
    demand = demand_of(policies)
    scaling = autoscaling(demand, policies)
    deployment = serve.deployment(
        GatewayReplica,
        name=GATEWAY,
        num_replicas=demand.minimum if scaling is None else None,
        autoscaling_config=scaling,
        max_ongoing_requests=UNBOUNDED,
        max_queued_requests=-1,
        ray_actor_options=demand.actor_options(),
        health_check_period_s=HEALTH_SECONDS,
        graceful_shutdown_timeout_s=GRACE_SECONDS,
        logging_config=LoggingConfig(enable_access_log=False, log_level="WARNING"),
    )
    return deployment.bind(chosen)
