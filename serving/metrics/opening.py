"""One replica's metrics put together."""

from collections.abc import Callable
from functools import partial

import structlog
from sqlalchemy import Engine

from lifecycle.errors import HoldfastError
from serving.metrics.figures import Figures
from serving.metrics.gauges import Gauges
from serving.metrics.ledger_figures import LedgerFigures, read_ledger
from serving.metrics.log_tail import LogTail
from serving.metrics.metrics import Metrics
from serving.metrics.replica import ReplicaFigures
from serving.metrics.requests import RequestMeter
from serving.metrics.snapshots import Snapshots
from serving.models import Models
from serving.shadow.shadows import Shadows
from stores.settings import Settings

log = structlog.get_logger()


def open_metrics(
    chosen: Settings,
    engine: Engine,
    replica: str,
    *,
    models: Models,
    meter: RequestMeter,
    gauges: Gauges,
    shadows: Shadows,
    shipping_trouble: Callable[[], str | None],
    turned_away: Callable[[], Figures] = Figures,
    more: Callable[[], Figures] = Figures,
) -> Metrics:
    """Return a replica's metrics, which count from here on; raises OSError when the state folder cannot be written."""
    folder = chosen.run / "metrics"
    tail = LogTail(chosen.prediction_log, folder)
    try:
        tail.begin()
    except HoldfastError as error:
        # Counting begins with the first round that can read the table.
        log.warning("metrics_begin_later", error=str(error))
    return Metrics(
        replica=ReplicaFigures(
            models=models,
            meter=meter,
            gauges=gauges,
            shadow=shadows.report,
            shipping_fails=lambda: shipping_trouble() is not None,
            turned_away=turned_away,
            more=more,
        ),
        snapshots=Snapshots(folder, replica),
        tail=tail,
        ledger=LedgerFigures(partial(read_ledger, engine)),
        prediction_log=chosen.prediction_log,
    )
