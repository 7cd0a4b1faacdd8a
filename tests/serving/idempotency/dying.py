"""`python -m tests.serving.idempotency.dying HOME VERSIONS POINT`: a replica that is killed at a point of a request."""

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from serving.tiers.last import HonestFailure
from serving.tiers.run import TierRun
from stores.ledger.key_operations import Claim, Claiming, Completing, Operation, Releasing, Taking
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import ship
from tests.serving.conftest import flight
from tests.serving.idempotency.replica import CHAMPION, TRIAL, open_replica

KEY = "a-key"
ROWS = [
    flight(),
    flight(tail_number="N00000"),
    flight(tail_number="N33333", flight=2),
    flight(tail_number="N44444", flight=3),
]
LEDGER_POINTS = {
    "before the claim": (Claiming, False),
    "after the claim": (Claiming, True),
    "before the answer is stored": (Completing, False),
    "after the answer is stored": (Completing, True),
    "after a failure is logged": (Releasing, False),
    "after taking over": (Taking, True),
}
LOG_POINTS = ("before the append", "within the append", "after the append", "after shipping", "between two arms")
POINTS = (*LEDGER_POINTS, *LOG_POINTS)


def die() -> None:
    """End as nothing else ends: no handler, no flush, no goodbye."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class DyingKeys:
    """The ledger's keys, of one who dies before or after a kind of operation."""

    keys: Any
    point: str

    def work(self, operations: Sequence[Operation], now: datetime) -> Sequence[Claim | None]:
        """Do the operations, unless this is the point."""
        kind, done = LEDGER_POINTS.get(self.point, (None, False))
        here = kind is not None and any(isinstance(one, kind) for one in operations)
        if here and not done:
            die()
        standing: Sequence[Claim | None] = self.keys.work(operations, now)
        if here:
            die()
        return standing


@dataclass
class DyingLog:
    """The prediction log of one who dies around an append."""

    writer: SegmentWriter
    point: str

    def append(self, batch: pa.RecordBatch) -> None:
        """Append, unless this is the point."""
        if self.point == "before the append":
            die()
        if self.point == "within the append":
            growing = self.writer._growing
            assert growing is not None
            payload = batch.serialize()
            os.write(growing.descriptor, memoryview(payload)[: payload.size // 2])
            die()
        self.writer.append(batch)
        if self.point == "after shipping":
            self.writer.seal()
            ship(self.writer.owned.folder.parents[1], self.writer.owned)
        if self.point in ("after the append", "after shipping", "between two arms"):
            die()


class _Failing:
    bounded = False

    def score(self, _: Any) -> Any:
        raise RuntimeError("out of order")


def main() -> None:
    """Ask once, and die on the way."""
    home, versions, point = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    replica = open_replica(
        home,
        versions,
        plan=TRIAL if point == "between two arms" else CHAMPION,
        log=lambda writer: DyingLog(writer, point),
        keys=lambda keys: DyingKeys(keys, point),
    )
    if point == "after a failure is logged":
        served = replica.models.serving()[0]
        run = served.lanes[served.champion].batcher._hand_over
        assert isinstance(run, TierRun)
        object.__setattr__(run._stage, "predictor", _Failing())
        # As for a version asked for by its name: another tier would answer otherwise.
        run._instead = HonestFailure()
    answer = replica.ask(KEY, ROWS)
    sys.exit(f"answered {answer.status_code} and lived on: {answer.text}")


if __name__ == "__main__":
    main()
