"""A small model that moves to its second contract: whether a parcel will arrive late.

The second contract has one more field (`fragile`), another name for one (`weight_kg`) and one more value (`drone`). Its
versions have two features more, so nothing but their own rows can tell them what to answer.
"""

import sys
from datetime import UTC, datetime, timedelta
from types import ModuleType

import numpy as np
import pandas as pd

from feature_repo.definition import Columns, Events, Feature, ModelDefinition, Older, Stream, View
from feature_repo.frames import feature_rows, stamped_within, usable_microseconds
from lifecycle.contract import Contract, Field, FieldType
from lifecycle.projection import Projection
from lifecycle.projection_parts import Added, Renamed

MODEL = "parcels"
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
SENDERS = tuple(f"s{number}" for number in range(40))


def _fields(weight: str, services: tuple[str, ...]) -> tuple[Field, ...]:
    return (
        Field(name="parcel", type=FieldType.INTEGER, description="Number", example=1, minimum=1, maximum=10**6),
        Field(name="sender", type=FieldType.STRING, description="Sender", example="s1", pattern="^s[0-9]+$"),
        Field(name="service", type=FieldType.STRING, description="Service", example="road", allowed=services),
        Field(name=weight, type=FieldType.NUMBER, description="Weight", example=2.5, minimum=0, maximum=50),
        Field(name="asked_at", type=FieldType.TIMESTAMP, description="Asked", example="2024-05-01T13:00:00Z"),
    )


FRAGILE = Field(name="fragile", type=FieldType.BOOLEAN, description="Handle with care", example=False)
V1 = Contract(model=MODEL, version=1, fields=_fields("weight", ("road", "air")))
V2 = Contract(model=MODEL, version=2, fields=(*_fields("weight_kg", ("road", "air", "drone")), FRAGILE))
V1_TO_V2 = Projection(
    source=V1,
    target=V2,
    renamed=(Renamed(old="weight", new="weight_kg"),),
    added=(Added(field="fragile", value=False, because="No sender of the old contract may send what breaks."),),
    reversible=True,
)


def read_arrivals(start: datetime, end: datetime) -> pd.DataFrame:
    """Return how late each sender's last parcels were."""
    frame = pd.DataFrame(
        {
            "sender": np.array(SENDERS, dtype=object),
            "known_at": pd.to_datetime([NOON] * len(SENDERS)).as_unit("us"),
            "late_rate": np.linspace(0, 1, len(SENDERS)),
        }
    )
    return frame.loc[(frame["known_at"] >= start) & (frame["known_at"] < end)].reset_index(drop=True)


def _rows(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    seen = stamped_within(events["arrivals"], start, end)
    rates = {"late_rate": seen["late_rate"].to_numpy(np.float64)}
    return feature_rows(seen["sender"].to_numpy(object), usable_microseconds(seen), rates)


def _nothing(*_: object) -> pd.DataFrame:
    return pd.DataFrame(columns=["example_id", "event_timestamp", "label", "label_known_at"])


def _derive_v1(request: Columns, _: Columns) -> Columns:
    return {"heavy": request["weight"], "by_air": (request["service"] == "air").astype(np.float64)}


def _derive_v2(request: Columns, _: Columns) -> Columns:
    return {
        "heavy": request["weight_kg"],
        "by_air": (request["service"] == "air").astype(np.float64),
        "by_drone": (request["service"] == "drone").astype(np.float64),
        "breaks": request["fragile"].astype(np.float64),
    }


SENDER = View(
    name="sender_arrivals",
    entity="sender",
    owner="tests",
    description="How late a sender's parcels are",
    features=(Feature("late_rate", "Share of late parcels", 0.5),),
    freshness_limit=timedelta(days=30),
    lookback=timedelta(days=1),
    streams=("arrivals",),
    build=_rows,
)
HEAVY, BY_AIR = Feature("heavy", "Kilograms", 0.0), Feature("by_air", "By plane", 0.0)
DEFINITION_V1 = ModelDefinition(
    name=MODEL,
    contract=V1,
    entities={"sender": "Who sends"},
    streams=(Stream("arrivals", ("sender", "known_at"), read_arrivals),),
    views=(SENDER,),
    derived=(HEAVY, BY_AIR),
    vector=("late_rate", "heavy", "by_air"),
    prediction_moments=lambda request: request["asked_at"],
    example_ids=lambda request: request["parcel"].astype(str).astype(object),
    entity_keys=lambda request: {"sender": request["sender"]},
    derive=_derive_v1,
    lookback=timedelta(days=1),
    requests=_nothing,
    examples=_nothing,
    slices=lambda request: {"service": request["service"]},
    rule_feature="late_rate",
    source_range=(NOON - timedelta(days=1), NOON + timedelta(days=1)),
)
DEFINITION = ModelDefinition(
    name=MODEL,
    contract=V2,
    entities=DEFINITION_V1.entities,
    streams=DEFINITION_V1.streams,
    views=DEFINITION_V1.views,
    derived=(HEAVY, BY_AIR, Feature("by_drone", "By drone", 0.0), Feature("breaks", "Is fragile", 0.0)),
    vector=("late_rate", "heavy", "by_air", "by_drone", "breaks"),
    prediction_moments=DEFINITION_V1.prediction_moments,
    example_ids=DEFINITION_V1.example_ids,
    entity_keys=DEFINITION_V1.entity_keys,
    derive=_derive_v2,
    lookback=timedelta(days=1),
    requests=_nothing,
    examples=_nothing,
    slices=DEFINITION_V1.slices,
    rule_feature="late_rate",
    source_range=DEFINITION_V1.source_range,
    older=(Older(DEFINITION_V1, V1_TO_V2),),
)


def made() -> ModuleType:
    """Return the module that the engine looks for."""
    module = ModuleType(f"feature_repo.{MODEL}")
    vars(module)["DEFINITION"] = DEFINITION
    return module


def install() -> None:
    """Put the model where this process looks for definitions."""
    sys.modules[f"feature_repo.{MODEL}"] = made()
