"""One opening of a breaker, and the rows around it, until they are stored."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from stores.ledger.captures import Capture


@dataclass(frozen=True, slots=True)
class Guarded:
    """Whose answers are watched: one version in one arm."""

    model: str
    version: str
    arm: str


@dataclass(eq=False)
class Opening:
    """From the moment a breaker opens until it closes, however often the version is tried and stopped in between.

    `batches` are the logged rows before the moment, and those after it until there are `most_rows`. They are added on
    the event loop and read on another thread.
    """

    key: Guarded
    replica: str
    reason: str
    evidence: Mapping[str, float | int | str]
    opened_at: datetime
    most_rows: int
    batches: list[pa.RecordBatch]
    closed_at: datetime | None = None
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        self.rows = sum(batch.num_rows for batch in self.batches)

    @property
    def capture_id(self) -> str:
        """A name that no other opening has: when, which arm, and a digest of all that makes it what it is."""
        key = self.key
        said = f"{key.model}/{key.version}/{key.arm}/{self.replica}/{self.opened_at.isoformat()}"
        return f"{self.opened_at:%Y%m%dT%H%M%S}-{key.arm}-{hashlib.sha256(said.encode()).hexdigest()[:10]}"

    @property
    def whole(self) -> bool:
        """Whether no further row belongs to it."""
        return self.rows >= self.most_rows or self.closed_at is not None

    def add(self, batch: pa.RecordBatch) -> None:
        """Take rows that were answered after the moment, as long as there is room."""
        if not self.whole:
            self.batches.append(batch)
            self.rows += batch.num_rows

    def capture(self, rows: int, path: str, at: datetime) -> Capture:
        """Return the ledger's word on it, with so many rows stored at a path."""
        key = self.key
        return Capture(
            capture_id=self.capture_id,
            model=key.model,
            version=key.version,
            arm=key.arm,
            replica=self.replica,
            reason=self.reason,
            rows=rows,
            path=path,
            evidence=self.evidence,
            opened_at=self.opened_at,
            captured_at=at,
            closed_at=self.closed_at,
        )


def newest(batches: Sequence[pa.RecordBatch], most_rows: int) -> list[pa.RecordBatch]:
    """Return the newest batches that have at most so many rows together, the oldest of them cut, in order."""
    kept: list[pa.RecordBatch] = []
    room = most_rows
    for batch in reversed(batches):
        if room <= 0:
            break
        kept.append(batch.slice(max(batch.num_rows - room, 0)))
        room -= batch.num_rows
    return kept[::-1]
