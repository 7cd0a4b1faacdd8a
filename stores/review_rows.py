"""From rows of the prediction log to what people are asked."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from lifecycle.policy import Policy
from lifecycle.review import Reviewed, ReviewKind, predicted_label

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


def asked_in(rows: pa.Table, policy_of: PolicyOf, now: datetime) -> list[Reviewed]:
    """Return the reviews that rows of COLUMNS ask for, by the policies as they are now.

    A model whose policy has no reviews any more asks for none. `now` is the machine's time, as `served_at` is.
    """
    policies: dict[str, Policy | None] = {}
    asked: list[Reviewed] = []
    for row in reviewable(rows).to_pylist():
        model = row["model"]
        if model not in policies:
            policies[model] = policy_of(model)
        policy = policies[model]
        if policy is None or policy.review is None:
            continue
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
    return asked
