"""Answered rows of the toy model as replicas log them, and their counts made in another way."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count

import numpy as np
import pyarrow as pa

from lifecycle.profile import CategoryProfile, NumericProfile, Profile
from stores.prediction_log.schema import SCHEMA
from tests.flows import toy

VECTOR = toy.DEFINITION.vector
HOUR = timedelta(hours=1)
FIRST = toy.START + timedelta(days=3)
"""Where the hours of these rows begin, in event time."""
_numbers = count()


def baseline() -> Profile:
    """Return a baseline of the toy that knows fewer values than come."""
    return Profile(
        rows=10,
        features={
            name: NumericProfile(edges=(-1.0, 0.0, 0.5), counts=(0, 5, 5, 0), missing=0) for name in reversed(VECTOR)
        },
        categories={
            "site": CategoryProfile(counts={"north": 10}, other=0, missing=0),
            "unit": CategoryProfile(counts={"u0": 4, "u1": 6}, other=0, missing=0),
        },
        score_rows=10,
        score=NumericProfile(edges=(0.25, 0.75), counts=(0, 10, 0), missing=0),
    )


def rows_of(
    number: int, hour_at: datetime, served_at: datetime, seed: int = 0, **changes: object
) -> list[dict[str, object]]:
    """Return random answered rows with moments within an hour, each changed alike."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for _ in range(number):
        features = rng.normal(size=len(VECTOR)).astype(np.float32)
        request = {
            "unit": f"u{rng.integers(3)}",
            "site": None if rng.random() < 0.2 else str(rng.choice(["north", "süd"])),
            "load": 0.5,
            "asked_at": "2020-01-02T00:00:00Z",
        }
        rows.append(
            {
                "prediction_id": f"p{next(_numbers)}",
                "model": "toy",
                "version": "1",
                "arm": "champion",
                "tier": "model",
                "served_at": served_at,
                "moment_at": hour_at + rng.random() * HOUR,
                "request": json.dumps(request),
                "features": features.tolist(),
                "defaulted": [name for name in VECTOR if rng.random() < 0.1],
                "score": float(rng.random()),
                "outcome": "answered",
                "shown": True,
                **changes,
            }
        )
    return rows


def batch_of(rows: Sequence[dict[str, object]]) -> pa.RecordBatch:
    """Return rows as replicas log them."""
    return pa.RecordBatch.from_pylist(list(rows), schema=SCHEMA)


def counted_by_hand(rows: Sequence[dict[str, object]]) -> Profile:
    """Return the counts of rows on the baseline's bins, one value at a time."""
    known = baseline()
    requests = [json.loads(str(row["request"])) for row in rows]
    return Profile(
        rows=len(rows),
        features={
            name: _numbers_of(
                one,
                [None if name in row["defaulted"] else row["features"][VECTOR.index(name)] for row in rows],  # type: ignore[operator, index]
            )
            for name, one in known.features.items()
        },
        categories={
            name: _texts_of(one, [request[name] for request in requests]) for name, one in known.categories.items()
        },
        score_rows=len(rows),
        score=_numbers_of(known.score, [row["score"] for row in rows]),  # type: ignore[misc]
    )


def _numbers_of(known: NumericProfile, values: Sequence[float | None]) -> NumericProfile:
    counts = [0] * len(known.counts)
    for value in values:
        if value is not None:
            counts[sum(value > edge for edge in known.edges)] += 1
    return NumericProfile(edges=known.edges, counts=tuple(counts), missing=len(values) - sum(counts))


def _texts_of(known: CategoryProfile, values: Sequence[str | None]) -> CategoryProfile:
    counts = {name: values.count(name) for name in known.counts}
    missing = values.count(None)
    return CategoryProfile(counts=counts, other=len(values) - sum(counts.values()) - missing, missing=missing)
