"""What the checking process is told, and what it answers."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from lifecycle.admission import Problem
from lifecycle.contract import Contract
from lifecycle.rollout_policy import Format

PATIENCE = 5


class Made(BaseModel):
    """What a version can have been made for: a contract, its vector, and the defaults of the vector's features."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contract: Contract
    vector: tuple[str, ...]
    defaults: tuple[float, ...]


class Order(BaseModel):
    """What to check: a version's folder, against a model's features and the formats its policy allows.

    `older` are the contracts beside today's that are still in use; only a version with a manifest of its own can be of
    one. The check may compute for `seconds` and, because it runs at a low priority, wait PATIENCE times as long in all.
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
    older: tuple[Made, ...] = ()

    def made_for(self, made: Made) -> "Order":
        """Return the order for a version of another contract."""
        changed = {"contract": made.contract, "vector": made.vector, "defaults": made.defaults}
        return self.model_copy(update=changed)


class Report(BaseModel):
    """What was found; everything but `problems` is empty when there are any.

    `features` is (n_rows, n_inputs) and `scores` (n_rows,), of the version's own example. `files` are those that
    serving needs. `contract` names the one the version was made for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    problems: tuple[Problem, ...] = ()
    contract: str = ""
    format: Format | None = None
    model_file: str = ""
    files: tuple[str, ...] = ()
    inputs: tuple[str, ...] | None = None
    features: tuple[tuple[float, ...], ...] = ()
    scores: tuple[float, ...] = ()
    latency_ms_1_row: float | None = None
    latency_ms_64_rows: float | None = None
