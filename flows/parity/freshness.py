"""How old the features were that requests were served, from the prediction log alone."""

from datetime import datetime

from feature_repo.definition import ModelDefinition, View
from flows.parity.sample import SERVED
from lifecycle.freshness import Freshness, ViewFreshness
from stores.prediction_log.table import PredictionLog, Row

DEFAULTED = f"""
SELECT feature, count(*) AS rows
FROM (SELECT unnest(defaulted) AS feature FROM predictions WHERE {SERVED}) GROUP BY feature
"""  # noqa: S608 - our own statement; values are parameters


def freshness(log: PredictionLog, definition: ModelDefinition, since: datetime, until: datetime) -> Freshness:
    """Return the ages of each view's rows, and how often each feature was defaulted, over what was served.

    Of the shipped rows with a prediction moment in (since, until]; one pass over two of the log's columns for the ages,
    and one over a third.
    """
    window = (definition.name, definition.contract.name, since, until)
    (row,) = log.query(_ages(definition.views), window)
    rows = int(row["n_rows"])
    counts = {str(found["feature"]): int(found["rows"]) for found in log.query(DEFAULTED, window)}
    return Freshness(
        rows=rows,
        views={view.name: _view(view, place, rows, row) for place, view in enumerate(definition.views)},
        defaulted={name: counts.get(name, 0) / rows if rows else 0.0 for name in definition.vector},
    )


def _ages(views: tuple[View, ...]) -> str:
    asked = "".join(
        f""",
        quantile_cont(age_{place}, 0.5) AS median_{place}, quantile_cont(age_{place}, 0.95) AS p95_{place},
        min(age_{place}) AS newest_{place}, count(age_{place}) AS found_{place},
        count(*) FILTER (age_{place} > {view.freshness_limit.total_seconds() / 3600!r}) AS beyond_{place}"""
        for place, view in enumerate(views)
    )
    ages = "".join(
        f", (epoch_us(moment_at) - epoch_us(feature_at[{place + 1}])) / 3.6e9 AS age_{place}"
        for place in range(len(views))
    )
    return (
        f"SELECT count(*) AS n_rows{asked} "  # noqa: S608 - numbers of ours, and values are parameters
        f"FROM (SELECT moment_at{ages} FROM predictions WHERE {SERVED})"
    )


def _view(view: View, place: int, rows: int, row: Row) -> ViewFreshness:
    found = int(row[f"found_{place}"])
    return ViewFreshness(
        limit_hours=view.freshness_limit.total_seconds() / 3600,
        rows=rows,
        median_hours=row[f"median_{place}"],
        p95_hours=row[f"p95_{place}"],
        newest_hours=row[f"newest_{place}"],
        missing=1 - found / rows if rows else 0.0,
        beyond_limit=int(row[f"beyond_{place}"]) / found if found else 0.0,
    )
