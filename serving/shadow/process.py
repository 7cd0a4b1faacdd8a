"""The shadow's process: `python -m serving.shadow.process`, started by a keeper and by nobody else.

Its stdin brings the task and then batches, its stdout takes messages back; see `frames`.
"""

import sys
from typing import TYPE_CHECKING

from serving.children.beginning import begin
from serving.children.lowest import take_lowest_priority

if TYPE_CHECKING:
    from serving.shadow.working import Load


def main(load: "Load | None" = None) -> int:
    """Work until stdin ends; return the exit status. `load` is how a version is loaded."""
    messages = begin(take_lowest_priority)

    from serving.isolation.pinned import load_version  # noqa: PLC0415 - after the priority is lowered
    from serving.shadow.working import work  # noqa: PLC0415 - as above

    with messages:
        return work(sys.stdin.buffer, messages, load or load_version)


if __name__ == "__main__":
    sys.exit(main())
