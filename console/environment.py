"""The environment that every program of the stack is started with."""

import os
from collections.abc import Mapping

from stores.settings import Settings
from stores.webhook_secret import encryption_key, webhook_secret

QUIET = {
    "DO_NOT_TRACK": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "RAY_USAGE_STATS_ENABLED": "0",
}


def child_environment(settings: Settings) -> Mapping[str, str]:
    """Return this process's environment with the stack's addresses and state folder fixed in it.

    Prefect keeps its database and profile under the state folder, never in the user's home.
    """
    ours = {
        "HOLDFAST_HOME": str(settings.home),
        "HOLDFAST_POLICIES": str(settings.policies),
        "MLFLOW_TRACKING_URI": settings.mlflow_address,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        # The gateway it calls listens on this machine, and MLflow calls none there unless it is told so.
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_CACHE_TTL": "5",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": encryption_key(webhook_secret(settings)),
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_API_URL": settings.prefect_address,
        # How soon a worker sees that a run is due: after a kill, that is how long nobody supervises.
        "PREFECT_WORKER_QUERY_SECONDS": "3",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        # A worker's heartbeat waits for the scheduler to let go of SQLite instead of failing in the log.
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
        "MPLCONFIGDIR": str(settings.home / "matplotlib"),
        "PYTHONWARNINGS": "ignore",
        # Feast's SQLite store keeps local time without an offset; one zone for all, and one without summer time.
        "TZ": "UTC",
    }
    # A person's key is for what they do by hand, and no business of programs that outlive the command.
    inherited = {name: value for name, value in os.environ.items() if name != "HOLDFAST_KEY"}
    return {**inherited, **QUIET, **ours}
