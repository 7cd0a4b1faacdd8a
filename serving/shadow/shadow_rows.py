"""The shadow's rows of the prediction log, each beside the champion's that it mirrors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from lifecycle.assignment import Arm
from serving.shadow.attempts import Attempts
from serving.shadow.frames import Task
from stores.prediction_log.schema import MOMENT, SCHEMA

_TEXT = pa.string()


@dataclass(frozen=True)
class ShadowVersion:
    """What the rows of one shadow have in common, and how its scores become decisions."""

    task: Task
    contract: str
    artifact_digest: str

    def rows(
        self, mirrored: pa.RecordBatch, attempts: Attempts, prediction_ids: Sequence[str], served_at: float
    ) -> pa.RecordBatch:
        """Return one row per mirrored row: the same question, this version's answer or its failure.

        `served_at` is in epoch seconds. Stage times are the shadow's own; it neither queues on a user's path nor
        reads features.
        """
        n_rows = mirrored.num_rows
        columns = dict(zip(SCHEMA.names, mirrored.columns, strict=True))
        nothing = pa.repeat(pa.scalar(0, pa.int32()), n_rows)
        failed = [error is not None for error in attempts.errors]
        decisions, decided_by = self._decisions(mirrored, attempts.scores, failed)
        columns |= {
            "prediction_id": pa.array(prediction_ids, _TEXT),
            "version": pa.repeat(self.task.version, n_rows),
            # What was not translated, because the process died before it, is a question in the champion's contract.
            "contract": pa.repeat(self.contract, n_rows) if self.task.asking is None else columns["contract"],
            "artifact_digest": pa.repeat(self.artifact_digest, n_rows),
            "arm": pa.repeat(Arm.SHADOW.value, n_rows),
            "replica": pa.repeat(self.task.replica, n_rows),
            "served_at": pa.repeat(pa.scalar(datetime.fromtimestamp(served_at, UTC), MOMENT), n_rows),
            "score": pa.array(attempts.scores, pa.float64(), mask=np.array(failed, bool)),
            "decision": pa.array(decisions, _TEXT),
            "decided_by": pa.array(decided_by, _TEXT),
            "outcome": pa.array(["failed" if one else "answered" for one in failed], _TEXT),
            "error": pa.array(attempts.errors, _TEXT),
            "shown": pa.repeat(pa.scalar(value=False), n_rows),
            "pairs_with": mirrored.column("prediction_id"),
            "decode_us": nothing,
            "queue_us": nothing,
            "features_us": nothing,
            "predict_us": pa.repeat(pa.scalar(attempts.predict_us, pa.int32()), n_rows),
            "cost": pa.nulls(n_rows, pa.float64()),
        }
        return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)

    def _decisions(
        self, mirrored: pa.RecordBatch, scores: np.ndarray, failed: Sequence[bool]
    ) -> tuple[list[str | None], list[str | None]]:
        """Return each row's decision and the rule that decided: a rule above the threshold decides whatever scores."""
        by = mirrored.column("decided_by").to_pylist()
        theirs = mirrored.column("decision").to_pylist()
        positive = (scores >= self.task.threshold).tolist()
        decisions: list[str | None] = []
        for row, lost in enumerate(failed):
            ours = self.task.positive if positive[row] else self.task.negative
            decisions.append(None if lost else ours if by[row] is None else theirs[row])
        return decisions, [None if lost else rule for rule, lost in zip(by, failed, strict=True)]
