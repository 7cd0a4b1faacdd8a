"""Enter into the queue what the prediction log asks people, exactly once, whatever the gateways entered already."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from stores.ledger.review_room import Queue
from stores.ledger.reviews import Reviews
from stores.prediction_log.commits import NOTHING, Commit, commit_after, newest_version, rows_of
from stores.prediction_log.table import PredictionLog
from stores.review_rows import COLUMNS, Asked, PolicyOf, asked_in

EVERYTHING = f"SELECT {', '.join(COLUMNS)} FROM predictions WHERE review IS NOT NULL"  # noqa: S608 - our own names

ROWS_AT_ONCE = 10_000


@dataclass(frozen=True)
class TakenIn:
    """How many answers the log asks about, and how many of them nobody is asked about, as the queue is full."""

    asked: int
    not_entered: int

    def __add__(self, other: "TakenIn") -> "TakenIn":
        """Return both together."""
        return TakenIn(self.asked + other.asked, self.not_entered + other.not_entered)


def take_in(prediction_log: Path, reviews: Reviews, policy_of: PolicyOf, now: datetime) -> TakenIn:
    """Enter what every commit since the last run asks, as far as there is room, and return how many answers that are.

    Each commit is entered together with its number, so a run that is killed is gone on with. Where a commit or a file
    of it was cleaned away meanwhile, and the first time, the whole log is searched instead; a prediction that is in
    the queue already stays as it is. Raises Unavailable when the log cannot be read.
    """
    reached = reviews.reached()
    taken = TakenIn(0, 0)
    if reached is not None:
        while (commit := commit_after(prediction_log, reached)) is not None:
            found = _asked_by(commit, reached, policy_of, now)
            if found is None:
                return taken + _search(prediction_log, reviews, policy_of, now)
            left = reviews.enter(found.reviews, commit.version, most_open=found.most_open)
            taken += TakenIn(len(found.reviews), sum(left.values()))
            reached = commit.version
        return taken
    return _search(prediction_log, reviews, policy_of, now)


def _asked_by(commit: Commit, reached: int, policy_of: PolicyOf, now: datetime) -> Asked | None:
    """Return what one commit asks, None when it does not follow the last one or its files are gone."""
    if commit.version != reached + 1:
        return None
    try:
        rows = [rows_of(file, COLUMNS) for file in commit.files]
    except FileNotFoundError:
        return None
    return asked_in(pa.concat_tables(rows), policy_of, now) if rows else Asked([], {})


def _search(prediction_log: Path, reviews: Reviews, policy_of: PolicyOf, now: datetime) -> TakenIn:
    # Asked before the rows are read, so that a commit that comes meanwhile is looked at again.
    newest = newest_version(prediction_log)
    if newest == NOTHING:
        return TakenIn(0, 0)
    everything = PredictionLog(prediction_log).query_table(EVERYTHING)
    asked, left = 0, Counter[Queue]()
    for first in range(0, everything.num_rows, ROWS_AT_ONCE):
        found = asked_in(everything.slice(first, ROWS_AT_ONCE), policy_of, now)
        asked += len(found.reviews)
        left.update(reviews.enter(found.reviews, most_open=found.most_open))
    reviews.recount(left, newest)
    return TakenIn(asked, left.total())
