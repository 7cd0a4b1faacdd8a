"""The process of an isolated version: `python -m serving.isolation.process`, started by a gateway and by nobody else.

Its stdin brings the task and then calls, its stdout takes answers back; see `calls`.
"""

import faulthandler
import os
import sys
from typing import TYPE_CHECKING

from serving.shadow.lowest import die_with_parent, leave_no_core

if TYPE_CHECKING:
    from serving.isolation.working import Load


def main(load: "Load | None" = None) -> int:
    """Work until stdin ends; return the exit status. `load` is how a version is loaded."""
    # Before the libraries are imported, which takes a while.
    die_with_parent()
    leave_no_core()
    faulthandler.enable()
    # What a model prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)

    from serving.isolation.pinned import load_version  # noqa: PLC0415 - as above
    from serving.isolation.working import work  # noqa: PLC0415 - as above

    with answers:
        return work(sys.stdin.buffer, answers, load or load_version)


if __name__ == "__main__":
    sys.exit(main())
