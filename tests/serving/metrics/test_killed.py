"""Replicas that are killed while they log, ship and count: every row is counted once, and nothing falls."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from serving.metrics.figures import Figures
from serving.metrics.log_tail import LogTail
from serving.metrics.served_families import PREDICTIONS, REQUESTS
from serving.metrics.snapshots import Snapshots
from stores.prediction_log.compaction import compact
from stores.prediction_log.shipper import adopt_orphans
from stores.prediction_log.table import PredictionLog

ROUNDS_BEFORE_THE_KILL = 25
SERVE_UNTIL_KILLED = """
import sys
from itertools import count
from pathlib import Path
from serving.metrics.figures import Figures
from serving.metrics.log_tail import LogTail
from serving.metrics.served_families import REQUESTS
from serving.metrics.snapshots import Snapshots
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipping import Shipper
from tests.serving.metrics.conftest import batch, logged_row

log, folder, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
writer, tail, snapshots = SegmentWriter(log, name), LogTail(log, folder), Snapshots(folder, name)
tail.begin()
Shipper(log, writer, every_seconds=0.005).start()
figures = Figures()
for number in count(1):
    writer.append(batch(logged_row()))
    figures.add(REQUESTS, ("toy", "200"), [1.0])
    snapshots.keep(figures, Figures())
    tail.advance()
    print(number, flush=True)
"""


def test_replicas_killed_at_any_point_leave_counts_that_are_right(log_root: Path, folder: Path) -> None:
    """The log's rows and the sum of what each had kept, with a compaction and a sum in between each kill."""
    told = 0.0
    replicas = [
        subprocess.Popen(
            [sys.executable, "-c", SERVE_UNTIL_KILLED, str(log_root), str(folder), f"r{number}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    kept, last = 0, Snapshots(folder, "last")
    for replica in replicas:
        assert replica.stdout is not None
        for line in replica.stdout:
            if int(line) == ROUNDS_BEFORE_THE_KILL:
                break
        os.kill(replica.pid, signal.SIGKILL)
        rest = [int(line) for line in replica.stdout if line.endswith("\n")]
        kept += max([ROUNDS_BEFORE_THE_KILL, *rest])
        replica.stdout.close()
        replica.wait()
        compact(log_root)
        answered = requests(last)
        assert answered >= told
        told = answered
    adopt_orphans(log_root)
    tail = LogTail(log_root, folder)
    while tail.advance():
        pass
    assert sum(values[0] for values in tail.figures().of(PREDICTIONS).values()) == PredictionLog(log_root).count()
    # What a replica was about to say when it was killed may be kept already, one for each.
    assert kept <= requests(last) <= kept + len(replicas)
    assert requests(last) == requests(last)


def requests(replica: Snapshots) -> float:
    """Return the requests of all replicas, as one of them sums them up."""
    replica.keep(Figures(), Figures())
    return sum(values[0] for values in replica.summed().counters.of(REQUESTS).values())
