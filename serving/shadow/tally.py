"""What became of the mirrored rows of one shadow, over all the processes it has had."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from serving.shadow.frames import Ack

RECENT = 1_000


@dataclass
class Tally:
    """Rows by what became of them; `trouble` is why the version has failed, "" while it has not.

    `memory_mb` is the highest seen, `latencies` the milliseconds of the newest batches.
    """

    answered: int = 0
    failed: int = 0
    dropped: int = 0
    crashes: int = 0
    memory_mb: float = 0.0
    trouble: str = ""
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def add(self, ack: Ack) -> None:
        """Count a batch that is done."""
        self.answered += ack.answered
        self.failed += ack.failed
        self.dropped += ack.unlogged
        self.latencies.append(ack.predict_ms)

    def report(self, in_flight: int) -> Mapping[str, float | int | str]:
        """Return the figures, with so many rows that are waiting or being worked on."""
        p50, p99 = np.percentile(self.latencies, [50, 99]).tolist() if self.latencies else (0.0, 0.0)
        return {
            "mirrored_rows": self.answered + self.failed + self.dropped + in_flight,
            "dropped_rows": self.dropped,
            "answered_rows": self.answered,
            "failed_rows": self.failed,
            "crashes": self.crashes,
            "memory_mb": round(self.memory_mb, 1),
            "p50_ms": round(p50, 3),
            "p99_ms": round(p99, 3),
            "trouble": self.trouble,
        }
