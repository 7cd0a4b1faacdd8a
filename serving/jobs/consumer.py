"""Ray Serve's task consumer: takes jobs from Celery and has a gateway replica work on each.

No user waits on this path, so it may call another deployment; and the models stand in the gateways already.
"""

import asyncio
import threading
from typing import Any

from ray import serve
from ray.serve.schema import LoggingConfig
from ray.serve.task_consumer import task_consumer, task_handler

from serving.jobs.broker import TASK, broker_address, task_config
from stores.settings import Settings

NAME = "holdfast-jobs"
AT_ONCE = 64
"""Jobs that one consumer has under way: a thread each, which mostly waits."""
PATIENCE_SECONDS = 300.0


def build_consumer(chosen: Settings, gateway_app: str, gateway: str) -> serve.Application:
    """Return the application that consumes jobs for the deployment `gateway` of another application."""

    @task_consumer(task_processor_config=task_config(broker_address(chosen)))
    class JobConsumer:
        """Hands jobs to the gateways; what is lost on the way is offered again by them."""

        def __init__(self) -> None:
            self._gateway: Any = serve.get_deployment_handle(gateway, app_name=gateway_app)
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="gateway-calls", daemon=True).start()

        @task_handler(name=TASK)
        def work(self, model: str, job_id: str) -> None:
            """Return once a gateway has dealt with a job; called on Celery's threads."""
            # With the throughput settings that Ray is started with, a handle works on one event loop alone.
            asyncio.run_coroutine_threadsafe(self._ask(model, job_id), self._loop).result(PATIENCE_SECONDS)

        async def _ask(self, model: str, job_id: str) -> None:
            await self._gateway.take_job.remote(model, job_id)

    return serve.deployment(
        JobConsumer,
        name="JobConsumer",
        num_replicas=1,
        max_ongoing_requests=AT_ONCE,
        ray_actor_options={"num_cpus": 0},
        logging_config=LoggingConfig(enable_access_log=False, log_level="WARNING"),
    ).bind()
