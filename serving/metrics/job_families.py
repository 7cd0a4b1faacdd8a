"""The metrics of what is answered later."""

from serving.metrics.family import counter, gauge

JOBS = gauge("holdfast_jobs", "Jobs that are open: waiting, or in a worker's hands (running)", "model", "state")
OLDEST = gauge("holdfast_jobs_oldest_seconds", "Age of the oldest job that is open; 0 without any", "model")
UNDELIVERED = gauge(
    "holdfast_job_messages",
    "Messages about ended jobs: waiting to be taken, or dead, which were given up",
    *("model", "state"),
)
ENDED = counter(
    "holdfast_jobs_ended_total",
    "Jobs by what a worker made of them: succeeded, failed, or put_back to be tried again",
    *("model", "state"),
)
DELIVERIES = counter(
    "holdfast_job_deliveries_total",
    "Attempts to tell a webhook that a job has ended, by outcome: delivered, put_back or dead",
    *("model", "outcome"),
)

LATER = (JOBS, OLDEST, ENDED, UNDELIVERED, DELIVERIES)
"""The counters are told by the replicas, the others read from the ledger."""
