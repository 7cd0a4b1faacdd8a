"""The process that ships for a replica: `python -m serving.shipping.process`, started by a replica and by nobody else.

Its stdin brings the task and then asks for rounds, its stdout says how they ended; see `words`.
"""

import os
import sys
from contextlib import suppress

from serving.children.beginning import begin
from serving.children.lowest import leave_no_core

NICENESS = 10
"""Answers come first; but it must not starve, or the disk fills on a machine that is always busy."""


def main() -> int:
    """Work until stdin ends; return the exit status."""
    said = begin(_step_back)

    from serving.shipping.working import work  # noqa: PLC0415 - after the priority is lowered

    with said:
        return work(sys.stdin.buffer, said)


def _step_back() -> None:
    os.nice(NICENESS)
    if sys.platform == "linux":
        # It wakes for each of many short waits on the disk, and would take the core from whoever answers each time.
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    leave_no_core()


if __name__ == "__main__":
    sys.exit(main())
