"""Enter into the queue what the prediction log asks people, exactly once, whatever the gateways entered already."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa

from lifecycle.review import Reviewed
from stores.ledger.reviews import Reviews
from stores.prediction_log.commits import NOTHING, Commit, commit_after, newest_version, rows_of
from stores.prediction_log.table import PredictionLog
from stores.review_rows import COLUMNS, PolicyOf, asked_in

EVERYTHING = f"SELECT {', '.join(COLUMNS)} FROM predictions WHERE review IS NOT NULL"  # noqa: S608 - our own names


def take_in(prediction_log: Path, reviews: Reviews, policy_of: PolicyOf, now: datetime) -> int:
    """Enter what every commit since the last run asks, and return how many answers that are.

    Each commit is entered together with its number, so a run that is killed is gone on with. Where a commit or a file
    of it was cleaned away meanwhile, and the first time, the whole log is searched instead; a prediction that is in
    the queue already stays as it is. Raises Unavailable when the log cannot be read.
    """
    reached = reviews.reached()
    entered = 0
    if reached is not None:
        while (commit := commit_after(prediction_log, reached)) is not None:
            found = _asked_by(commit, reached, policy_of, now)
            if found is None:
                return entered + _search(prediction_log, reviews, policy_of, now)
            reviews.enter(found, commit.version)
            entered += len(found)
            reached = commit.version
        return entered
    return _search(prediction_log, reviews, policy_of, now)


def _asked_by(commit: Commit, reached: int, policy_of: PolicyOf, now: datetime) -> list[Reviewed] | None:
    """Return what one commit asks, None when it does not follow the last one or its files are gone."""
    if commit.version != reached + 1:
        return None
    try:
        rows = [rows_of(file, COLUMNS) for file in commit.files]
    except FileNotFoundError:
        return None
    return asked_in(pa.concat_tables(rows), policy_of, now) if rows else []


def _search(prediction_log: Path, reviews: Reviews, policy_of: PolicyOf, now: datetime) -> int:
    # Asked before the rows are read, so that a commit that comes meanwhile is looked at again.
    newest = newest_version(prediction_log)
    if newest == NOTHING:
        return 0
    found = asked_in(PredictionLog(prediction_log).query_table(EVERYTHING), policy_of, now)
    reviews.enter(found, newest)
    return len(found)
