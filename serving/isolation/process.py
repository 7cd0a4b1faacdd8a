"""The process of an isolated version: `python -m serving.isolation.process`, started by a gateway and by nobody else.

Its stdin brings the task and then calls, its stdout takes answers back; see `calls`.
"""

import sys
from typing import TYPE_CHECKING

from serving.children.beginning import begin
from serving.children.lowest import leave_no_core

if TYPE_CHECKING:
    from serving.isolation.working import Load


def main(load: "Load | None" = None) -> int:
    """Work until stdin ends; return the exit status. `load` is how a version is loaded."""
    answers = begin(leave_no_core)

    from serving.isolation.pinned import load_version  # noqa: PLC0415 - after it is tied to its gateway
    from serving.isolation.working import work  # noqa: PLC0415 - as above

    with answers:
        return work(sys.stdin.buffer, answers, load or load_version)


if __name__ == "__main__":
    sys.exit(main())
