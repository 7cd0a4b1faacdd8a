"""A small model with a known truth: the answer is yes when level and load pull the same way.

No straight line can see that, a tree can. `late_share` means nothing and is the rule.
"""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from expectations.kinds import Column
from expectations.suite import Suite
from feature_repo.definition import Columns, Events, Feature, ModelDefinition, Stream, View
from feature_repo.frames import feature_rows, stamped_within, usable_microseconds
from flows.training.rows import Rows
from lifecycle.contract import Contract, Field, FieldType
from lifecycle.intake import BadRowLimit
from tests.policies import SERVING_YAML, TRAINING_YAML, rollout_yaml

START = datetime(2020, 1, 1, tzinfo=UTC)
END = START + timedelta(days=20)
UNITS = 20
ASKS = 2000

CONTRACT = Contract(
    model="toy",
    version=1,
    fields=(
        Field(name="unit", type=FieldType.STRING, description="Unit", example="u1", pattern="^u[0-9]+$"),
        Field(name="site", type=FieldType.STRING, description="Site", example="north", allowed=("north", "south")),
        Field(name="load", type=FieldType.NUMBER, description="Load", example=0.5, minimum=-10, maximum=10),
        Field(name="asked_at", type=FieldType.TIMESTAMP, description="Asked", example="2020-01-02T00:00:00Z"),
    ),
)


def read_readings(start: datetime, end: datetime) -> pd.DataFrame:
    """Return a level per unit and six hours."""
    rng = np.random.default_rng(1)
    moments = pd.date_range(START, END, freq="6h", unit="us")
    frame = pd.DataFrame(
        {
            "unit": np.tile(np.array([f"u{unit}" for unit in range(UNITS)], dtype=object), len(moments)),
            "known_at": moments.repeat(UNITS),
            "level": rng.normal(size=UNITS * len(moments)),
            "late_share": rng.random(UNITS * len(moments)).round(2),
        }
    )
    return frame.loc[(frame["known_at"] >= start) & (frame["known_at"] < end)].reset_index(drop=True)


def read_asks(start: datetime, end: datetime) -> pd.DataFrame:
    """Return questions with their answers, known an hour later."""
    rng = np.random.default_rng(2)
    hours = np.sort(rng.uniform(12, 24 * 20 - 1, size=ASKS))
    asked_at = pd.to_datetime(START + pd.to_timedelta((hours * 3600).round(), unit="s")).as_unit("us")
    unit = rng.integers(0, UNITS, size=ASKS)
    load = rng.normal(size=ASKS)
    readings = read_readings(START, END).set_index(["unit", "known_at"])["level"]
    level = np.array([readings[(f"u{one}", moment.floor("6h"))] for one, moment in zip(unit, asked_at, strict=True)])
    chance = 1 / (1 + np.exp(-3 * np.sign(level * load)))
    frame = pd.DataFrame(
        {
            "ask": np.arange(ASKS),
            "unit": np.array([f"u{one}" for one in unit], dtype=object),
            "site": rng.choice(np.array(["north", "south"], dtype=object), size=ASKS),
            "load": load,
            "asked_at": asked_at,
            "answer": (rng.random(ASKS) < chance).astype("int64"),
            "known_at": asked_at + timedelta(hours=1),
        }
    )
    return frame.loc[(frame["known_at"] >= start) & (frame["known_at"] < end)].reset_index(drop=True)


def build_state(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    """Return the newest reading per unit."""
    seen = stamped_within(events["readings"], start, end)
    features = {name: seen[name].to_numpy(np.float64) for name in ("level", "late_share")}
    return feature_rows(seen["unit"].to_numpy(object), usable_microseconds(seen), features)


def ask(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    """Return the questions of a window."""
    asks = events["asks"]
    rows = asks.loc[(asks["asked_at"] >= start) & (asks["asked_at"] < end)].sort_values("ask", ignore_index=True)
    rows["event_timestamp"] = rows["asked_at"]
    rows["example_id"] = rows["ask"].astype(str)
    return rows


def examples(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    """Return the questions of a window with their answers."""
    rows = ask(events, start, end).rename(columns={"answer": "label", "known_at": "label_known_at"})
    names = [field.name for field in CONTRACT.fields]
    return rows[["example_id", "event_timestamp", "label_known_at", "label", *names]]


def derive(request: Columns, looked_up: Columns) -> Columns:
    """Return the load as a feature."""
    return {"asked_load": request["load"]}


DEFINITION = ModelDefinition(
    name="toy",
    contract=CONTRACT,
    entities={"unit": "A unit"},
    streams=(Stream("readings", ("unit", "known_at"), read_readings), Stream("asks", ("ask",), read_asks)),
    views=(
        View(
            name="unit_state",
            entity="unit",
            owner="tests",
            description="The newest reading of a unit",
            features=(Feature("level", "Level", 0.0), Feature("late_share", "Share of late answers", 0.5)),
            freshness_limit=timedelta(days=1),
            lookback=timedelta(days=1),
            streams=("readings",),
            build=build_state,
        ),
    ),
    derived=(Feature("asked_load", "Load", 0.0),),
    vector=("level", "late_share", "asked_load"),
    prediction_moments=lambda request: request["asked_at"],
    example_ids=lambda request: request["unit"],
    entity_keys=lambda request: {"unit": request["unit"]},
    derive=derive,
    lookback=timedelta(days=1),
    requests=ask,
    examples=examples,
    slices=lambda request: {"site": request["site"]},
    rule_feature="late_share",
    source_range=(START, END),
)

COLUMNS = {
    "example_id": Column(FieldType.STRING),
    "event_timestamp": Column(FieldType.TIMESTAMP),
    "label_known_at": Column(FieldType.TIMESTAMP),
    "label": Column(FieldType.INTEGER),
    **{field.name: Column(field.type) for field in CONTRACT.fields},
}


def suite_of(columns: Mapping[str, Column]) -> Suite:
    """Return the suite of the training set, with some columns required."""
    import great_expectations.expectations as gxe  # noqa: PLC0415 - its import warns, and a test's filter must be on

    return Suite(
        columns=columns,
        rows=(gxe.ExpectColumnValuesToBeInSet(column="label", value_set=[0, 1]),),
        batch=(),
        bad_rows=BadRowLimit(rows=0, share=0.0),
        volume=None,
        freshness_hours=None,
        other_columns=True,
    )


POLICY = (
    """
model: toy
owner: tests
"""
    + SERVING_YAML
    + """decision: {threshold: 0.5, positive: "on", negative: "off", overrides: [], safety_filters: []}
cost: {false_alarm: 1, missed: 1}
"""
    + TRAINING_YAML
    + """  small: {rounds: 8, max_depth: 2, learning_rate: 0.5}
offline_gate:
  - id: ranks
    require: {metric: auc, at_least: 0.8}
    because: The truth is there to be found.
  - id: beats-a-line
    require: {metric: log_loss, better_than: logistic_regression, by_at_least: 0.05}
    because: A line cannot see it.
  - id: beats-the-rule
    require: {metric: cost_per_row, better_than: rule, by_at_least: 0.0}
    because: The rule means nothing.
  - id: beats-the-champion
    require: {metric: log_loss, better_than: champion, by_at_least: 0.0}
    because: A new version must earn its place.
  - id: everywhere
    require: {metric: auc, at_least: 0.7, in_slices_of: [site], minimum_rows: 100}
    because: Both sites count.
"""
    + rollout_yaml("unit")
)


def some_rows(count: int, seed: int = 1) -> Rows:
    """Return rows of the toy with random features, labelled by the sign of level times load."""
    rng = np.random.default_rng(seed)
    matrix = np.column_stack([rng.normal(size=count), rng.random(count), rng.normal(size=count)]).astype(np.float32)
    frame = pd.DataFrame(
        {
            "example_id": [str(row) for row in range(count)],
            "unit": "u1",
            "site": "north",
            "load": matrix[:, 2].astype(float),
            "asked_at": pd.date_range(START, periods=count, freq="min", unit="us"),
        }
    )
    return Rows(
        frame=frame,
        matrix=matrix,
        defaulted=np.zeros(matrix.shape, dtype=bool),
        labels=(matrix[:, 0] * matrix[:, 2] > 0).astype(np.int64),
        slices={"site": np.full(count, "north", dtype=object)},
    )


def install(monkeypatch: pytest.MonkeyPatch, columns: Mapping[str, Column] = COLUMNS) -> None:
    """Put the toy's definition and its suite where the engine looks for them."""
    features, suites = ModuleType("feature_repo.toy"), ModuleType("expectations.toy")
    vars(features)["DEFINITION"] = DEFINITION
    vars(suites)["SUITES"] = {"training_set": suite_of(columns)}
    for module in (features, suites):
        monkeypatch.setitem(sys.modules, module.__name__, module)
