"""The Ray Serve application: one ingress deployment that holds every model."""

import sys

from ray import serve
from ray.serve import Application
from ray.serve.schema import LoggingConfig

from lifecycle.errors import ArtifactInvalid
from serving.gateway import open_gateway
from serving.http_protocol import use_gateway_protocol
from serving.policy_files import replicas_wanted
from serving.replica_log import FILE, log_to
from serving.routes import Application as AsgiApplication
from stores.settings import Settings

NAME, GATEWAY = "holdfast", "Gateway"
UNBOUNDED = 1_000_000
"""Ray's own queue limits answer in plain text; the gateway's answer with a problem and Retry-After."""
HEALTH_SECONDS = 2.0
SWITCH_SECONDS = 0.001
"""How long a thread of Python may keep the others waiting: versions score in threads of their own, and their answers
wait for the event loop otherwise, which under load gives way only after five milliseconds."""
GRACE_SECONDS = 10.0


@serve.ingress()
class GatewayReplica:
    """One replica: the gateway, by the name that Ray gave the process."""

    def __init__(self, chosen: Settings) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        log_to(chosen.run / FILE)
        use_gateway_protocol()
        self._gateway = open_gateway(chosen, serve.get_replica_context().replica_id.unique_id)

    def __serve_build_asgi_app__(self) -> AsgiApplication:
        return self._gateway.application

    def check_health(self) -> None:
        """Raise ArtifactInvalid, which makes Ray replace this replica, when a proven version fails its example."""
        broken = self._gateway.health.broken()
        if broken:
            raise ArtifactInvalid("; ".join(broken))

    async def take_job(self, model: str, job_id: str) -> None:
        """Return once this replica has dealt with a job that Celery hands out; for the task consumer alone."""
        await self._gateway.jobs.take(model, job_id)


def build(chosen: Settings) -> Application:
    """Return the application to run, with as many replicas as the most demanding policy asks for.

    A policy that cannot be followed holds up its own model only, and that model's readiness says why.
    """
    deployment = serve.deployment(
        GatewayReplica,
        name=GATEWAY,
        num_replicas=replicas_wanted(chosen.policies),
        max_ongoing_requests=UNBOUNDED,
        max_queued_requests=-1,
        ray_actor_options={"num_cpus": 0},
        health_check_period_s=HEALTH_SECONDS,
        graceful_shutdown_timeout_s=GRACE_SECONDS,
        logging_config=LoggingConfig(enable_access_log=False, log_level="WARNING"),
    )
    return deployment.bind(chosen)
