"""How a simulated rollout ends before one judge."""

from dataclasses import dataclass
from typing import Literal

End = Literal["rolled back", "promoted", "held"]


@dataclass(frozen=True)
class Ending:
    """The end, and how many requests the candidate had answered in shadow and in canary by then."""

    end: End
    shadow_rows: int
    canary_rows: int


@dataclass(frozen=True)
class StageEnd:
    """What a judge says of one stage, and after how many of the candidate's requests in it."""

    end: Literal["rolled back", "passed", "held"]
    rows: int
