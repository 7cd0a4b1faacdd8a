"""Great Expectations at work: expectations over a frame in, one tally each and the failing rows out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from lifecycle.intake import Tally

Expectation: TypeAlias = Any
"""A `great_expectations.expectations.Expectation`; the library ships no usable types for mypy."""


@dataclass(frozen=True)
class Examined:
    """One expectation's tally and, for one about single rows, the index labels of the rows that fail (n_failed,).

    `unique_over` names the columns whose values it expects to be unique together, if it does.
    """

    tally: Tally
    rows: np.ndarray
    unique_over: tuple[str, ...] = ()


def examine_frame(
    frame: pd.DataFrame, rows: Sequence[Expectation], batch: Sequence[Expectation] = ()
) -> tuple[Examined, ...]:
    """Return what was found in `frame` (n_rows, n_columns), one per expectation, in order.

    `rows` are about single rows, `batch` about the whole, where `mostly` is the share of rows that must hold.
    """
    labels, frame = frame.index.to_numpy(), frame.reset_index(drop=True)
    expectations = (*rows, *batch)
    # Asking only whether it holds takes half the time, and nearly all expectations hold in nearly all windows.
    held = _validate(frame, expectations, "BOOLEAN_ONLY")
    doubtful = [place for place, result in enumerate(held) if not result.success]
    closer = _validate(frame, [expectations[place] for place in doubtful], "COMPLETE")
    results = dict(enumerate(held)) | dict(zip(doubtful, closer, strict=True))
    return tuple(
        _examined(expectation, results[place], labels, critical=place >= len(rows))
        for place, expectation in enumerate(expectations)
    )


def failing_rows(examined: Sequence[Examined]) -> dict[int, tuple[str, ...]]:
    """Return each failing row's index label with the names of the expectations it failed, sorted by label."""
    failed: dict[int, tuple[str, ...]] = {}
    for each in examined:
        if not each.tally.critical:
            for row in each.rows.tolist():
                failed[row] = (*failed.get(row, ()), each.tally.expectation)
    return dict(sorted(failed.items()))


def name_of(expectation: Expectation) -> str:
    """Return how an expectation is named in reasons and in the quarantine: its type and its columns."""
    return f"{expectation.configuration.type}({', '.join(_columns_of(expectation))})"


def _columns_of(expectation: Expectation) -> list[str]:
    given = expectation.configuration.kwargs
    single = [str(given[key]) for key in ("column", "column_A", "column_B") if key in given]
    return [*single, *map(str, given.get("column_list", ()))]


def _validate(frame: pd.DataFrame, expectations: Sequence[Expectation], detail: str) -> list[Any]:
    from great_expectations import ExpectationSuite  # noqa: PLC0415 - takes seconds, and only an examination needs it

    if not expectations:
        return []
    # Great Expectations returns results in an order of its own; the place says which is which.
    placed = [each.copy(update={"meta": {"place": place}}) for place, each in enumerate(expectations)]
    batch = _definition().get_batch(batch_parameters={"dataframe": frame})
    results = batch.validate(ExpectationSuite(name="batch", expectations=placed), result_format=detail).results
    return sorted(results, key=lambda result: int(result.expectation_config.meta["place"]))


@cache
def _definition() -> Any:
    """Return the process's one batch definition: whatever frame is handed over, held in memory only."""
    import great_expectations as gx  # noqa: PLC0415 - as above
    from great_expectations.data_context.types.base import (  # noqa: PLC0415 - as above
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    # The default context makes a folder for a website of results under the system's temporary folder.
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("batch")
    return asset.add_batch_definition_whole_dataframe("whole")


def _examined(expectation: Expectation, result: Any, labels: np.ndarray, *, critical: bool) -> Examined:
    found: Mapping[str, Any] = result.result
    error = _error(result.exception_info)
    rows = np.asarray(found.get("unexpected_index_list") or (), dtype=np.int64)
    about_rows = "mostly" in type(expectation).__fields__
    tally = Tally(
        expectation=name_of(expectation),
        critical=critical,
        held=bool(result.success),
        checked=int(found.get("element_count", len(labels))) if about_rows else 0,
        failed=int(found.get("unexpected_count", 0)),
        share_tolerated=round(1 - expectation.mostly, 6) if about_rows else 0.0,
        observed=_observed(found),
        expected=_expected(expectation),
        error=error,
    )
    unique = tuple(_columns_of(expectation)) if expectation.configuration.type.endswith("_be_unique") else ()
    return Examined(tally=tally, rows=labels[rows], unique_over=unique)


def _error(info: Mapping[str, Any]) -> str | None:
    # One dictionary, or one per metric that failed.
    found = [info] if "raised_exception" in info else list(info.values())
    messages = [str(each["exception_message"]) for each in found if each["raised_exception"]]
    return "; ".join(dict.fromkeys(messages)) or None


def _observed(found: Mapping[str, Any]) -> str:
    mismatched = found.get("details", {}).get("mismatched")
    if mismatched:
        parts = [f"{word} {', '.join(names)}" for word, names in mismatched.items()]
        return " and ".join(parts) + " columns"
    return str(found.get("observed_value", ""))


def _expected(expectation: Expectation) -> str:
    limits = {
        name: value for name, value in expectation.configuration.kwargs.items() if name not in ("column", "batch_id")
    }
    return ", ".join(f"{name} {_in_words(value)}" for name, value in limits.items())


def _in_words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple, set)) else str(value)
