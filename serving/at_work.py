"""What is being scored on the event loop itself, and what hung there: how other threads know whom to blame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from serving.predicted import predicted

if TYPE_CHECKING:
    from serving.prepared import Prepared
    from serving.stage import Stage

Scoring: TypeAlias = tuple["Stage", "Prepared"]
"""One call to a version on the event loop; each is an object of its own, however alike the rows are.

A plain tuple, because one is made for each micro-batch.
"""


@dataclass(frozen=True)
class Hang:
    """A version whose scoring does not come back, and what to say of it."""

    model: str
    version: str
    reason: str


class AtWork:
    """The scoring under way, set and cleared by the event loop, and the hang that was found; read by any thread.

    There is one for a gateway process, because it has one event loop.
    """

    __slots__ = ("hang", "scoring")

    def __init__(self) -> None:
        self.scoring: Scoring | None = None
        self.hang: Hang | None = None

    def hung(self, model: str) -> Mapping[str, str]:
        """Return which versions of a model hung here, and how."""
        hang = self.hang
        return {hang.version: hang.reason} if hang is not None and hang.model == model else {}


def predicted_at_work(stage: "Stage", prepared: "Prepared", rows: np.ndarray | None = None) -> np.ndarray:
    """Return a stage's scores as `predicted` does, on the event loop itself, and let it be seen meanwhile.

    `rows` are the places of those to score; None for all. Raises VersionFailed and InvalidInput as that does.
    """
    at_work = stage.at_work
    at_work.scoring = stage, prepared
    try:
        matrix = prepared.matrix if rows is None else prepared.matrix[rows]
        return predicted(stage.version, stage.predictor, matrix)
    finally:
        at_work.scoring = None
