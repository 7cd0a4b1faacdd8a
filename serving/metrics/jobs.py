"""How jobs stand in the ledger, as figures."""

from datetime import datetime

from serving.metrics.figures import Figures
from serving.metrics.job_families import JOBS, OLDEST, UNDELIVERED
from stores.ledger.job_lists import Standing


def tell_jobs(figures: Figures, model: str, standing: Standing, now: datetime) -> None:
    """Set how many jobs and messages of a model are open; `now` is the machine's."""
    figures.set(JOBS, (model, "waiting"), float(standing.waiting))
    figures.set(JOBS, (model, "running"), float(standing.running))
    age = 0.0 if standing.oldest_at is None else max(0.0, (now - standing.oldest_at).total_seconds())
    figures.set(OLDEST, (model,), age)
    figures.set(UNDELIVERED, (model, "waiting"), float(standing.undelivered))
    figures.set(UNDELIVERED, (model, "dead"), float(standing.dead))
