"""What the checking process is told, and what it answers."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from lifecycle.admission import Problem
from lifecycle.contract import Contract
from lifecycle.rollout_policy import Format

PATIENCE = 5


class Order(BaseModel):
    """What to check: a version's folder, against a model's features and the formats its policy allows.

    The check may compute for `seconds` and, because it runs at a low priority, wait PATIENCE times as long in all.
    `defaults` stand in for missing values, one per feature of `vector`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    contract: Contract
    vector: tuple[str, ...]
    defaults: tuple[float, ...]
    allowed_formats: tuple[Format, ...]
    seconds: int
    memory_mb: int


class Report(BaseModel):
    """What was found; everything but `problems` is empty when there are any.

    `features` is (n_rows, n_inputs) and `scores` (n_rows,), of the version's own example. `files` are those that
    serving needs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    problems: tuple[Problem, ...] = ()
    format: Format | None = None
    model_file: str = ""
    files: tuple[str, ...] = ()
    inputs: tuple[str, ...] | None = None
    features: tuple[tuple[float, ...], ...] = ()
    scores: tuple[float, ...] = ()
    latency_ms_1_row: float | None = None
    latency_ms_64_rows: float | None = None
