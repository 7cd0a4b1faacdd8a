"""The log rows of a batch of jobs, kept until the jobs are ended together with them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import pyarrow as pa


@dataclass
class Collected:
    """A prediction log for jobs: each row belongs to the job whose id it has as its request."""

    _rows: defaultdict[str, list[pa.RecordBatch]] = field(default_factory=lambda: defaultdict(list))

    def append(self, batch: pa.RecordBatch) -> None:
        """Keep a batch, which may hold rows of several jobs, one after the other."""
        start = 0
        for job_id, run in groupby(batch["request_id"].to_pylist()):
            length = len(list(run))
            self._rows[job_id].append(batch.slice(start, length))
            start += length

    def of(self, job_id: str) -> Sequence[pa.RecordBatch]:
        """Return a job's rows."""
        return tuple(self._rows.get(job_id, ()))
