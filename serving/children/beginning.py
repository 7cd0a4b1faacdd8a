"""How a process beside the gateway begins."""

import faulthandler
import os
from collections.abc import Callable
from io import FileIO

from serving.children.lowest import die_with_parent


def begin(prepare: Callable[[], None]) -> FileIO:
    """Tie this process to the one that started it, and return where it answers; `prepare` limits it further.

    To be called before the libraries are imported, which takes longer than much of the work.
    """
    die_with_parent()
    prepare()
    faulthandler.enable()
    # What a model prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return answers
