"""What is being scored in which thread, and what hung there: how others know whom to blame."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from serving.prepared import Prepared
    from serving.stage import Stage

Scoring: TypeAlias = tuple["Stage", "Prepared"]
"""One call to a version in a thread; each is an object of its own, however alike the rows are.

A plain tuple, because one is made for each micro-batch.
"""


@dataclass(frozen=True)
class Hang:
    """A version whose scoring does not come back, and what to say of it."""

    model: str
    version: str
    reason: str


class AtWork:
    """The scorings under way by native thread id, set and cleared by their threads, and the hangs that were found.

    Read by any thread; there is one for a gateway process.
    """

    __slots__ = ("hangs", "scorings")

    def __init__(self) -> None:
        self.scorings: dict[int, Scoring] = {}
        self.hangs: tuple[Hang, ...] = ()

    def hung(self, model: str) -> Mapping[str, str]:
        """Return which versions of a model hung here, and how."""
        return {hang.version: hang.reason for hang in self.hangs if hang.model == model}


@contextmanager
def seen_at_work(stage: "Stage", prepared: "Prepared") -> Iterator[None]:
    """Let it be seen that this thread scores for a stage."""
    scorings, thread = stage.at_work.scorings, threading.get_native_id()
    scorings[thread] = stage, prepared
    try:
        yield
    finally:
        del scorings[thread]
