"""From rows of the prediction log to what people are asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from lifecycle.policy import Policy
from lifecycle.review import Reviewed, ReviewKind, predicted_label
from stores.ledger.review_room import Queue

COLUMNS = (
    "prediction_id",
    "model",
    "version",
    "review",
    "example_id",
    "request",
    "score",
    "decision",
    "decided_by",
    "tenant",
    "served_at",
    "request_id",
)
"""What `asked_in` reads of the log."""
PolicyOf = Callable[[str], Policy | None]
"""Returns a model's policy, None for a model that has none any more."""


def reviewable(rows: pa.Table) -> pa.Table:
    """Return the rows that people are to look at, with COLUMNS; none of rows from before there were reviews."""
    if "review" not in rows.column_names:
        return rows.slice(0, 0)
    return rows.select(list(COLUMNS)).filter(pc.is_valid(rows["review"]))


def queues_of(rows: pa.Table) -> frozenset[Queue]:
    """Return the queues that reviewable rows ask for."""
    pairs = rows.group_by(["model", "review"]).aggregate([])
    return frozenset((row["model"], ReviewKind(row["review"])) for row in pairs.to_pylist())


def asks_for(rows: pa.Table, queue: Queue, *, wanted: bool = True) -> pa.ChunkedArray:
    """Return for each of some reviewable rows whether it asks for a queue; with `wanted` False whether it does not."""
    model, kind = queue
    asks = pc.and_(pc.equal(rows["model"], model), pc.equal(rows["review"], kind.value))
    return asks if wanted else pc.invert(asks)


def first_of(rows: pa.Table, room: Mapping[Queue, int]) -> tuple[pa.Table, frozenset[Queue]]:
    """Return the first rows of each queue, as many as it has room for, and the queues that have room for less than all.

    Rows of a queue without an entry in `room` are left out: nobody asks for it any more.
    """
    parts = {queue: rows.filter(asks_for(rows, queue)) for queue in queues_of(rows) if queue in room}
    beyond = frozenset(queue for queue, part in parts.items() if part.num_rows > room[queue])
    fitting = [part.slice(0, room[queue]) for queue, part in parts.items()]
    return pa.concat_tables(fitting) if fitting else rows.slice(0, 0), beyond


@dataclass(frozen=True)
class Asked:
    """What people are to look at, and for each model of it how many of each kind may wait for them."""

    reviews: list[Reviewed]
    most_open: Mapping[str, int]


def asked_in(rows: pa.Table, policy_of: PolicyOf, now: datetime) -> Asked:
    """Return the reviews that rows of COLUMNS ask for, by the policies as they are now.

    A model whose policy has no reviews any more asks for none. `now` is the machine's time, as `served_at` is.
    """
    policies: dict[str, Policy | None] = {}
    asked: list[Reviewed] = []
    most_open: dict[str, int] = {}
    for row in reviewable(rows).to_pylist():
        model = row["model"]
        if model not in policies:
            policies[model] = policy_of(model)
        policy = policies[model]
        if policy is None or policy.review is None:
            continue
        most_open[model] = policy.review.most_open
        asked.append(
            Reviewed(
                prediction_id=row["prediction_id"],
                model=model,
                version=row["version"],
                kind=ReviewKind(row["review"]),
                example_id=row["example_id"],
                request=row["request"],
                score=row["score"],
                decision=row["decision"],
                decided_by=row["decided_by"],
                predicted=predicted_label(policy.decision, row["decision"]),
                tenant=row["tenant"],
                served_at=row["served_at"],
                due_at=row["served_at"] + timedelta(hours=policy.review.answer_within_hours),
                entered_at=now,
                request_id=row["request_id"],
            )
        )
    return Asked(asked, most_open)
