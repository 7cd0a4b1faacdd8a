"""The rows a data scientist logged with a version, as the features they stand for."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from flows.pickup.mlmodel import plain_file
from lifecycle.errors import ArtifactInvalid

MAX_BYTES = 4 * 1024 * 1024
MAX_ROWS = 64
HOW = "Log it with input_example=X.head(16), where X is the frame of features it was trained on."


def example_matrix(
    folder: Path, document: Mapping[str, Any], inputs: Sequence[str], defaults: Sequence[float]
) -> np.ndarray:
    """Return the first rows of a version's example, (n_rows, n_inputs) float32, missing values as their defaults.

    Raises ArtifactInvalid when there is none, or it does not fit the signature.
    """
    told = document.get("saved_input_example_info")
    if not isinstance(told, dict):
        raise ArtifactInvalid(f"It has no input example to test it with. {HOW}")
    path = folder / plain_file(folder, told.get("artifact_path"), "input example")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ArtifactInvalid(f"Its input example has {size} bytes; allowed: {MAX_BYTES}. {HOW}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ArtifactInvalid(f"Its input example is no JSON. {HOW}") from error
    rows = _rows(content, inputs)
    if not rows:
        raise ArtifactInvalid(f"Its input example has no rows. {HOW}")
    return np.array([_numbers(row, inputs, defaults) for row in rows[:MAX_ROWS]], dtype=np.float32)


def _rows(content: object, inputs: Sequence[str]) -> list[list[object]]:
    if isinstance(content, list):
        return [_of_width(row, len(inputs)) for row in content]
    if not isinstance(content, dict) or not isinstance(content.get("data"), list):
        raise ArtifactInvalid(f"Its input example is neither a frame nor a matrix. {HOW}")
    columns = content.get("columns")
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        return [_of_width(row, len(inputs)) for row in content["data"]]
    missing = [name for name in inputs if name not in columns]
    if missing:
        raise ArtifactInvalid(f"Its input example lacks {', '.join(missing)}, which its signature names. {HOW}")
    places = [columns.index(name) for name in inputs]
    return [[_of_width(row, len(columns))[place] for place in places] for row in content["data"]]


def _of_width(row: object, width: int) -> list[object]:
    if not isinstance(row, list) or len(row) != width:
        raise ArtifactInvalid(f"A row of its input example is not {width} values, as its signature has. {HOW}")
    return row


def _numbers(row: Sequence[object], inputs: Sequence[str], defaults: Sequence[float]) -> list[float]:
    numbers = []
    for value, name, default in zip(row, inputs, defaults, strict=True):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ArtifactInvalid(f"{name} is {value!r} in its input example; allowed: numbers. {HOW}")
        number = default if value is None else float(value)
        numbers.append(default if np.isnan(number) else number)
        if not np.isfinite(np.float32(numbers[-1])):
            raise ArtifactInvalid(f"{name} is {value!r} in its input example; allowed: finite numbers. {HOW}")
    return numbers
