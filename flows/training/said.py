"""What people said of examples: the labels they gave, and the requests that only they know the answer to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pandas as pd

from feature_repo.columns import columns_of
from feature_repo.definition import ModelDefinition
from lifecycle.contract import Contract, FieldType, FieldValue

SERVED = """
SELECT example_id, last(request ORDER BY served_at) AS request, last(contract ORDER BY served_at) AS contract
FROM predictions
WHERE model = ? AND moment_at >= ? AND moment_at < ? AND example_id IN (SELECT unnest(?))
GROUP BY example_id
ORDER BY example_id
"""


class Labels(Protocol):
    """Labels that people gave, as stores/ledger/labels.py keeps them."""

    def newest(self, model: str, until: datetime | None = None) -> pd.DataFrame:
        """Return what stands of each example by a moment: `example_id`, `label`, `source`, `known_at` and more."""
        ...


class Log(Protocol):
    """Served requests, as stores/prediction_log keeps them."""

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, object]]:
        """Return the rows of a SELECT."""
        ...


@dataclass(frozen=True)
class Said:
    """Where to read what people said of a model's examples, and the requests they said it of."""

    labels: Labels
    log: Log

    def by(self, model: str, until: datetime) -> pd.DataFrame:
        """Return what stands of each example by a moment, one row per example: label, source and known_at by id."""
        columns = ["label", "source", "known_at"]
        return self.labels.newest(model, until).set_index("example_id")[columns]

    def served(self, definition: ModelDefinition, ids: Sequence[str], start: datetime, end: datetime) -> pd.DataFrame:
        """Return the requests of examples that were served with a moment in [start, end), as `definition.requests`."""
        contract = definition.contract
        rows = self.log.query(SERVED, (definition.name, start, end, list(ids))) if ids else []
        # A request of a contract that is gone may lack a field, and can no longer be asked.
        asked = [(str(row["example_id"]), _in_todays(definition, row)) for row in rows]
        usable = [(name, request) for name, request in asked if _fits(contract, request)]
        if not usable:
            return pd.DataFrame(columns=["example_id", "event_timestamp", *(field.name for field in contract.fields)])
        frame = pd.DataFrame([{field.name: request[field.name] for field in contract.fields} for _, request in usable])
        for field in contract.fields:
            if field.type is FieldType.TIMESTAMP:
                frame[field.name] = pd.to_datetime(frame[field.name], utc=True, format="ISO8601").dt.as_unit("us")
        moments = definition.prediction_moments(columns_of(contract, frame))
        frame["example_id"] = [name for name, _ in usable]
        frame["event_timestamp"] = pd.to_datetime((moments * 1e6).astype("int64"), unit="us", utc=True)
        return frame


def _in_todays(definition: ModelDefinition, row: Mapping[str, object]) -> Mapping[str, object]:
    """Return a logged request by today's contract, where an older one that is in use leads there."""
    request: Mapping[str, FieldValue] = json.loads(str(row["request"]))
    for older in definition.older:
        if older.definition.contract.name == row.get("contract"):
            made = older.projection.forward(request)
            return {name: one.isoformat() if isinstance(one, datetime) else one for name, one in made.items()}
    return request


def _fits(contract: Contract, request: Mapping[str, object]) -> bool:
    return all(
        field.name in request and (field.nullable or request[field.name] is not None) for field in contract.fields
    )
