"""Breast cancer, from scikit-learn's copy of the Wisconsin data, whether a biopsy is malignant.

Three measurements come with the request, the other 27 are looked up by sample. There are no windows; the
samples' order stands in for time.
"""

import functools
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer

from feature_repo.definition import Columns, Events, Feature, ModelDefinition, Stream, View
from feature_repo.frames import feature_rows, stamped_within, usable_microseconds
from lifecycle.contract import Contract, Field, FieldType

START = datetime(2013, 1, 1, tzinfo=UTC)
BETWEEN_SAMPLES = timedelta(hours=1)
ASKED_AFTER = timedelta(minutes=1)
ON_REQUEST = ("mean_radius", "mean_texture", "mean_area")
LARGEST_RADIUS = 30.0


@functools.cache
def _samples() -> pd.DataFrame:
    data = load_breast_cancer()
    frame = pd.DataFrame(data.data, columns=[name.replace(" ", "_") for name in data.feature_names])
    frame["malignant"] = (data.target == 0).astype("int64")
    # The file is roughly ordered by outcome; a fixed shuffle makes its order say nothing.
    frame = frame.sample(frac=1, random_state=7).reset_index(drop=True)
    frame["sample"] = np.arange(1, len(frame) + 1)
    frame["known_at"] = pd.to_datetime(START + BETWEEN_SAMPLES * frame["sample"].to_numpy()).as_unit("us")
    return frame


def _read(start: datetime, end: datetime) -> pd.DataFrame:
    frame = _samples()
    return frame.loc[(frame["known_at"] >= start) & (frame["known_at"] < end)].reset_index(drop=True)


LOOKED_UP = tuple(
    Feature(name, f"{name.replace('_', ' ')} of the cell nuclei", 0.0)
    for name in (raw.replace(" ", "_") for raw in load_breast_cancer().feature_names)
    if name not in ON_REQUEST
)

DERIVED = (
    *(Feature(f"asked_{name}", f"{name} as the request gives it", 0.0) for name in ON_REQUEST),
    Feature("radius_share", f"Mean radius as a share of {LARGEST_RADIUS:g}, at most 1", 0.5),
)


def _derive(request: Columns, _: Columns) -> Columns:
    asked = {f"asked_{name}": request[name] for name in ON_REQUEST}
    return asked | {"radius_share": np.minimum(request["mean_radius"] / LARGEST_RADIUS, 1.0)}


def _rows(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    seen = stamped_within(events["samples"], start, end)
    columns = {feature.name: seen[feature.name].to_numpy(np.float64) for feature in LOOKED_UP}
    return feature_rows(seen["sample"].astype(str).to_numpy(object), usable_microseconds(seen), columns)


def _moments(request: Columns) -> np.ndarray:
    hours = request["sample"].astype(np.float64)
    return START.timestamp() + hours * BETWEEN_SAMPLES.total_seconds() + ASKED_AFTER.total_seconds()


def _ids(request: Columns) -> np.ndarray:
    return request["sample"].astype(str).astype(object)


def _requests(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    samples = events["samples"]
    moments = samples["known_at"] + ASKED_AFTER
    rows = samples.loc[(moments >= start) & (moments < end)].sort_values("sample", ignore_index=True)
    rows["event_timestamp"] = rows["known_at"] + ASKED_AFTER
    rows["example_id"] = rows["sample"].astype(str)
    return rows[["example_id", "event_timestamp", "sample", *ON_REQUEST]]


def _examples(events: Events, start: datetime, end: datetime) -> pd.DataFrame:
    rows = _requests(events, start, end)
    known = events["samples"][["sample", "malignant", "known_at"]]
    return rows.merge(known.rename(columns={"malignant": "label", "known_at": "label_known_at"}), on="sample")


def _slices(request: Columns) -> Columns:
    return {"size": np.where(request["mean_radius"] > 14, "large", "small").astype(object)}


def _number(name: str, maximum: float) -> Field:
    return Field(
        name=name, type=FieldType.NUMBER, description=name.replace("_", " "), example=14.0, minimum=0, maximum=maximum
    )


DEFINITION = ModelDefinition(
    name="breast_cancer",
    contract=Contract(
        model="breast_cancer",
        version=1,
        fields=(
            Field(
                name="sample", type=FieldType.INTEGER, description="Sample number", example=1, minimum=1, maximum=10**6
            ),
            _number("mean_radius", 100),
            _number("mean_texture", 100),
            _number("mean_area", 10_000),
        ),
    ),
    entities={"sample": "The biopsy, by its number"},
    streams=(Stream("samples", ("sample",), _read),),
    views=(
        View(
            name="nuclei",
            entity="sample",
            owner="pathology",
            description="Measurements of the cell nuclei of a sample",
            features=LOOKED_UP,
            freshness_limit=timedelta(days=3650),
            lookback=timedelta(days=1),
            streams=("samples",),
            build=_rows,
        ),
    ),
    derived=DERIVED,
    vector=tuple(feature.name for feature in (*DERIVED, *LOOKED_UP)),
    prediction_moments=_moments,
    example_ids=_ids,
    entity_keys=lambda request: {"sample": _ids(request)},
    derive=_derive,
    lookback=timedelta(hours=1),
    requests=_requests,
    examples=_examples,
    slices=_slices,
    rule_feature="radius_share",
    source_range=(START, START + timedelta(days=25)),
)
