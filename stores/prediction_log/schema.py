"""The columns of the prediction log: one row per attempt of a version at a request row."""

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
        "unit": pa.string(),
        "request": pa.string(),
        "features": pa.list_(pa.float32()),
        "defaulted": pa.list_(pa.string()),
        "feature_at": pa.list_(MOMENT),
        "score": pa.float64(),
        "decision": pa.string(),
        "decided_by": pa.string(),
        "outcome": pa.string(),
        "error": pa.string(),
        "shown": pa.bool_(),
        "pairs_with": pa.string(),
        "decode_us": pa.int32(),
        "queue_us": pa.int32(),
        "features_us": pa.int32(),
        "predict_us": pa.int32(),
        "cost": pa.float64(),
        "tenant": pa.string(),
        "original_contract": pa.string(),
        "original_request": pa.string(),
    }
)
"""`row` counts within its request; `moment_at` is the moment the prediction is for; `request` is the row as
JSON; `unit` is what sticks to one arm; `features` are in the vector order of the version's manifest; `defaulted`
names features that a declared default stood in for; `feature_at` holds the event time of each view's row, in the
definition's order, null when missing. `contract` is the version's, and `request` and `features` are by it; where the
caller wrote the row in another contract, `original_contract` names it and `original_request` is the row as it was
written, both null elsewhere. `decided_by` is the id of the policy's override or safety filter that
decided, null for the threshold.

`tier` is "model"; "small" when the small model of `version` answered, and "cache" when an earlier answer of it was
given again; or "rule" when the model's rule answered in its place, because its answers were stopped or its caller had
spent its budget. `cost` is in the policy's own unit, null when the policy had no prices.

`arm` is "champion", "previous", "canary", "control" (the champion's version on the canary's path, for as many
units), "shadow", or "named" (asked for by its version, outside the plan). `outcome` is "answered" or "failed", with
the reason in `error`; a failed attempt has no score. `shown` says whether a client was to see this row: a shadow's
row is not shown, nor a canary's or control's failed attempt, and `pairs_with` is then the prediction_id of the
row that was. Every row has its own prediction_id. The rows of one micro-batch share `replica`, `version`, `arm` and
`served_at`; stage times are the micro-batch's, in microseconds.

Every column may be null, so that a column added later reads as null in older rows: there `outcome` was always
"answered", and every row was shown.
"""

OWN_TIERS = ("model", "small")
"""Tiers whose answers are those of the version in the row: its model's, and its small model's where it is sure."""
