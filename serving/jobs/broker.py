"""Celery as Ray Serve's task consumer has it: one description for those who offer jobs and those who take them."""

from typing import Any

from lifecycle.errors import SettingInvalid, Unavailable
from lifecycle.priority import Priority
from serving.jobs.celery_queue import Send
from stores.settings import Settings

QUEUE = "holdfast-jobs"
TASK = "holdfast.job"
NO_RESULTS = "cache+memory://"
"""Results are in the ledger. Celery's own in Redis have whoever offers a job subscribe to it, and when Redis comes back
after a while that subscription says that the process must be restarted."""
LOST_SECONDS = 600
"""A message that was taken and not dealt with for so long is given to another consumer."""


def broker_address(chosen: Settings) -> str:
    """Return the broker's address; raises SettingInvalid when there is none."""
    if chosen.jobs_broker is None:
        raise SettingInvalid(
            "HOLDFAST_JOBS is 'celery', but HOLDFAST_JOBS_BROKER is not set; give a broker, such as "
            "redis://host:6379/0, or set HOLDFAST_JOBS=ledger"
        )
    return chosen.jobs_broker.get_secret_value()


def task_config(address: str) -> Any:
    """Return Ray Serve's description of the queue: urgent jobs first, acknowledged when they are dealt with."""
    from ray.serve.schema import CeleryAdapterConfig, TaskProcessorConfig  # noqa: PLC0415 - Ray is slow

    transport = {
        "queue_order_strategy": "priority",
        "priority_steps": [int(priority) for priority in Priority],
        "visibility_timeout": LOST_SECONDS,
        "socket_timeout": 5,
        "socket_connect_timeout": 5,
    }
    adapter = CeleryAdapterConfig(
        broker_url=address,
        backend_url=NO_RESULTS,
        broker_transport_options=transport,
        # A consumer that holds many messages would keep urgent ones behind them.
        app_custom_config={"worker_prefetch_multiplier": 1},
    )
    return TaskProcessorConfig(queue_name=QUEUE, adapter_config=adapter, max_retries=3)


def open_send(address: str) -> Send:
    """Return what offers a job to the broker."""
    from kombu.exceptions import OperationalError  # noqa: PLC0415 - only where Celery hands out
    from ray.serve.task_consumer import instantiate_adapter_from_config  # noqa: PLC0415 - Ray is slow
    from redis.exceptions import RedisError  # noqa: PLC0415 - as above

    adapter = instantiate_adapter_from_config(task_config(address))

    def send(model: str, job_id: str, priority: int) -> None:
        try:
            adapter.enqueue_task_sync(TASK, args=[model, job_id], priority=priority, retry=False)
        except (OperationalError, RedisError, OSError) as error:
            raise Unavailable(f"the broker of jobs cannot be reached ({error}); check HOLDFAST_JOBS_BROKER") from error

    return send
