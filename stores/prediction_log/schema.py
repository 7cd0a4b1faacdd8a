"""The columns of the prediction log: one row per answered request row."""

import pyarrow as pa

MOMENT = pa.timestamp("us", "UTC")

SCHEMA = pa.schema(
    {
        "prediction_id": pa.string(),
        "request_id": pa.string(),
        "row": pa.int32(),
        "model": pa.string(),
        "version": pa.string(),
        "contract": pa.string(),
        "artifact_digest": pa.string(),
        "arm": pa.string(),
        "tier": pa.string(),
        "replica": pa.string(),
        "plan_revision": pa.int32(),
        "served_at": MOMENT,
        "moment_at": MOMENT,
        "example_id": pa.string(),
        "request": pa.string(),
        "features": pa.list_(pa.float32()),
        "defaulted": pa.list_(pa.string()),
        "feature_at": pa.list_(MOMENT),
        "score": pa.float64(),
        "decision": pa.string(),
        "decode_us": pa.int32(),
        "queue_us": pa.int32(),
        "features_us": pa.int32(),
        "predict_us": pa.int32(),
        "cost": pa.float64(),
        "tenant": pa.string(),
    }
)
"""`row` counts within its request; `moment_at` is the moment the prediction is for; `request` is the row as
JSON; `features` are in the version's vector order; `defaulted` names features that a declared default stood
in for; `feature_at` holds the event time of each view's row, in the definition's order, null when missing.
Stage times are the micro-batch's, in microseconds. Every column may be null, so that a column added later
reads as null in older rows.
"""
