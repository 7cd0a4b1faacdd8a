"""A tiny model: what a shop last sold, and how many floors it has."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from feature_repo.definition import Columns, Events, Feature, ModelDefinition, Stream, View
from feature_repo.frames import feature_rows, stamped_within, usable_microseconds
from lifecycle.contract import Contract, Field, FieldType

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def sales(*events: tuple[str | None, datetime, float]) -> pd.DataFrame:
    """Return sales as (shop, known_at, amount)."""
    frame = pd.DataFrame(events, columns=["shop", "known_at", "amount"])
    return frame.astype({"known_at": "datetime64[us, UTC]", "amount": "float64"})


def _sales_rows(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    seen = stamped_within(events["sales"], start, end)
    amounts = {"last_amount": seen["amount"].to_numpy(), "last_tax": seen["amount"].to_numpy() / 4}
    return feature_rows(seen["shop"].to_numpy(), usable_microseconds(seen), amounts)


def _place_rows(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    seen = stamped_within(events["sales"], start, end)
    return feature_rows(seen["shop"].to_numpy(), usable_microseconds(seen), {"floors": np.full(len(seen), 2.0)})


def _derive(request: Columns, looked_up: Columns) -> Columns:
    return {"amount_doubled": looked_up["last_amount"] * 2, "hour": request["asked_at"] // 3600 % 24}


def _requests(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    asked = events["sales"].rename(columns={"known_at": "asked_at"}).assign(label=1)
    asked = asked.loc[(asked["asked_at"] >= start) & (asked["asked_at"] < end)]
    ids = asked["shop"] + asked["asked_at"].dt.strftime("-%H:%M")
    return asked.assign(event_timestamp=asked["asked_at"], label_known_at=asked["asked_at"], example_id=ids)


SHOPS = ModelDefinition(
    name="shops",
    contract=Contract(
        model="shops",
        version=1,
        fields=(
            Field(name="shop", type=FieldType.STRING, description="Shop", example="north", nullable=True),
            Field(name="asked_at", type=FieldType.TIMESTAMP, description="Moment", example="2024-05-01T12:00:00Z"),
        ),
    ),
    entities={"shop": "A shop"},
    streams=(Stream(name="sales", key=("shop", "known_at"), read=lambda *_: sales()),),
    views=(
        View(
            name="shop_sales",
            entity="shop",
            owner="tests",
            description="The shop's last sale",
            features=(Feature("last_amount", "Amount", 7.0), Feature("last_tax", "Tax", 1.5)),
            freshness_limit=timedelta(hours=1),
            lookback=timedelta(hours=1),
            streams=("sales",),
            build=_sales_rows,
        ),
        View(
            name="shop_place",
            entity="shop",
            owner="tests",
            description="Where the shop is",
            features=(Feature("floors", "Floors", 1.0),),
            freshness_limit=timedelta(days=365),
            lookback=timedelta(hours=1),
            streams=("sales",),
            build=_place_rows,
        ),
    ),
    derived=(Feature("amount_doubled", "Twice the amount", -1.0), Feature("hour", "Hour of the day", 0.0)),
    vector=("hour", "last_amount", "amount_doubled", "floors"),
    prediction_moments=lambda request: request["asked_at"],
    example_ids=lambda request: request["shop"],
    entity_keys=lambda request: {"shop": request["shop"]},
    derive=_derive,
    lookback=timedelta(hours=1),
    requests=_requests,
    examples=_requests,
    slices=lambda request: {"shop": request["shop"]},
    rule_feature="last_amount",
    source_range=(NOON - timedelta(days=1), NOON + timedelta(days=1)),
)


def ask(*rows: tuple[str | None, datetime]) -> Columns:
    """Return requests of (shop, asked_at)."""
    return {
        "shop": np.array([shop for shop, _ in rows], dtype=object),
        "asked_at": np.array([moment.timestamp() for _, moment in rows]),
    }
