"""Batches of one small stream, and a suite for it."""

import importlib
import warnings
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from expectations.kinds import Column
from expectations.suite import Suite, Window
from lifecycle.contract import FieldType
from lifecycle.intake import BadRowLimit, VolumeLimit


@pytest.fixture(scope="session", autouse=True)
def great_expectations_is_imported() -> None:
    """Import the library once; what it imports in turn warns of its own affairs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("great_expectations")


NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
ONE = datetime(2013, 4, 1, 13, tzinfo=UTC)


@pytest.fixture
def suite() -> Suite:
    """Readings of a gauge: place and hour are unique, the level lies between 0 and 10."""
    import great_expectations.expectations as gxe  # noqa: PLC0415 - takes seconds, and not every test needs it

    return Suite(
        columns={
            "place": Column(FieldType.STRING),
            "count": Column(FieldType.INTEGER),
            "level": Column(FieldType.NUMBER, nullable=True),
            "known_at": Column(FieldType.TIMESTAMP),
        },
        rows=(
            gxe.ExpectColumnValuesToBeInSet(column="place", value_set=["pier", "lock"]),
            gxe.ExpectColumnValuesToBeBetween(column="level", min_value=0, max_value=10),
            gxe.ExpectCompoundColumnsToBeUnique(column_list=["place", "known_at"]),
        ),
        batch=(gxe.ExpectColumnValuesToNotBeNull(column="level", mostly=0.5),),
        bad_rows=BadRowLimit(rows=1, share=0.05),
        volume=VolumeLimit(share=0.65, spread=0.0, rows_per_day=24),
        freshness_hours=6,
    )


@pytest.fixture
def batch() -> pd.DataFrame:
    """Forty good readings between noon and one."""
    minutes = pd.date_range(NOON, periods=40, freq="1min")
    return pd.DataFrame(
        {
            "place": ["pier", "lock"] * 20,
            "count": np.arange(40),
            "level": np.linspace(0.0, 10.0, 40),
            "known_at": minutes.astype("datetime64[us, UTC]"),
        }
    )


@pytest.fixture
def window() -> Window:
    """From noon to one, after nothing."""
    return Window(NOON, ONE, np.empty(0))
