"""Evidently on the same rows: its own report, as its documentation has it."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd


def load() -> None:
    """Import Evidently, so that no timing pays for it; its own warnings about NumPy are not ours to heed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import evidently  # noqa: F401, PLC0415 - takes seconds to import


def report(
    current: pd.DataFrame, reference: pd.DataFrame, numbers: Sequence[str], names: Sequence[str], method: str | None
) -> Mapping[str, float]:
    """Return the drift value by column: by `method`, or by the one that its preset chooses for each column."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415 - as above
        from evidently.metrics import ValueDrift  # noqa: PLC0415
        from evidently.presets import DataDriftPreset  # noqa: PLC0415

        definition = DataDefinition(numerical_columns=list(numbers), categorical_columns=list(names))
        now = Dataset.from_pandas(current, data_definition=definition)
        then = Dataset.from_pandas(reference, data_definition=definition)
        asked: list[Any] = [DataDriftPreset()]
        if method is not None:
            asked = [ValueDrift(column=column, method=method) for column in (*numbers, *names)]
        found = Report(asked).run(now, then).dict()["metrics"]
    values = {}
    for metric in found:
        if metric["metric_name"].startswith("ValueDrift"):
            values[metric["config"]["column"]] = float(metric["value"])
    return values
