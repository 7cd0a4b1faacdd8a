"""The metrics of the loop around the models: plans, replicas, alarms, looks, quality, and the flows' pace."""

from serving.metrics.family import counter, gauge

LEDGER_UP = gauge(
    "holdfast_ledger_up", "1 when the ledger could be read; at 0 the metrics that are read from it are absent"
)
BUILD_INFO = gauge("holdfast_build_info", "1, with the version of the gateway's code", "version")
CLOCK_REPLAYED = gauge("holdfast_clock_replayed", "1 while the flows' clock is a replayed one")

PLAN_REVISION = gauge("holdfast_plan_revision", "The revision of the traffic plan that stands", "model")
PLAN_HELD = gauge("holdfast_plan_held", "1 while nothing may advance until a person says so", "model")
PLAN_PINNED = gauge("holdfast_plan_pinned", "1 while no rule may change the champion", "model")
VERSION_INFO = gauge("holdfast_version_info", "1, with who is in which arm by the plan", "model", "version", "arm")
TRAFFIC_SHARE = gauge(
    "holdfast_traffic_share", "Share of the units that the plan gives an arm, 0 to 1", "model", "version", "arm"
)
REPLICA_READY = gauge(
    "holdfast_replica_ready", "1 when a living replica serves the plan that stands", "model", "replica"
)
REPLICA_REVISION = gauge(
    "holdfast_replica_plan_revision", "The revision of the plan that a living replica serves", "model", "replica"
)

ALARMS = gauge("holdfast_alarms", "Alarms that stand, by kind", "model", "kind")
LOOK_AGE = gauge("holdfast_look_age_seconds", "Age of the newest look at a model, by the flows' clock", "model")
LOOK_DURATION = gauge("holdfast_look_duration_seconds", "How long the newest look at a model took", "model")
LOOK_ROWS = gauge("holdfast_look_rows", "Rows that the newest look compared with the baseline", "model", "version")
DRIFT_PSI = gauge(
    "holdfast_drift_psi",
    "Population stability index of a column against the baseline, at the newest look",
    *("model", "version", "column"),
)
DRIFT_JS = gauge(
    "holdfast_drift_js",
    "Jensen-Shannon divergence of a column from the baseline, at the newest look",
    *("model", "version", "column"),
)
DRIFT_P_VALUE = gauge(
    "holdfast_drift_p_value",
    "How likely chance alone moves a column so far, with rows that come by days, at the newest look",
    *("model", "version", "column"),
)
MISSING_RATIO = gauge(
    "holdfast_feature_missing_ratio",
    "Share of rows in which a column is missing, 0 to 1, at the newest look",
    *("model", "version", "feature"),
)
FRESHNESS = gauge("holdfast_feature_freshness_seconds", "Age of a feature view at the newest look", "model", "view")
QUALITY = gauge(
    "holdfast_quality", "A metric of quality over a version's newest window of labels", "model", "version", "metric"
)
QUALITY_LABELLED = gauge(
    "holdfast_quality_labelled_rows", "Labelled rows that the quality rests on", "model", "version"
)
REVIEWS_OPEN = gauge("holdfast_reviews_open", "Answers that wait for a person, by kind", "model", "kind")
REVIEWS_OVERDUE = gauge(
    "holdfast_reviews_overdue", "Of those, how many wait longer than the policy lets them", "model", "kind"
)
REVIEW_OLDEST = gauge(
    "holdfast_review_oldest_seconds",
    "Age of the answer that waits longest for a person; 0 without any",
    "model",
    "kind",
)
REVIEWS_ANSWERED = gauge("holdfast_reviews_answered", "Answers on which a person gave a word", "model", "kind")
REVIEWS_NOT_ENTERED = counter(
    "holdfast_reviews_not_entered_total",
    "Answers that nobody is asked about, because as many wait as the policy lets wait",
    *("model", "kind"),
)
REVIEW_AGREEMENT = gauge(
    "holdfast_review_agreement",
    "Share of the answered ones in which the person said what the model had said, 0 to 1",
    *("model", "kind"),
)
WATERMARK_LAG = gauge(
    "holdfast_watermark_lag_seconds", "How far a flow has fallen behind the flows' clock", "model", "flow"
)
UNSHIPPED = gauge(
    "holdfast_log_unshipped_seconds", "Age of the oldest rows of the prediction log that are not shipped; 0 without any"
)

LOOP = (
    *(PLAN_REVISION, PLAN_HELD, PLAN_PINNED, VERSION_INFO, TRAFFIC_SHARE, REPLICA_READY, REPLICA_REVISION),
    *(ALARMS, LOOK_AGE, LOOK_DURATION, LOOK_ROWS, DRIFT_PSI, DRIFT_JS, DRIFT_P_VALUE, MISSING_RATIO, FRESHNESS),
    *(QUALITY, QUALITY_LABELLED, WATERMARK_LAG, CLOCK_REPLAYED),
    *(REVIEWS_OPEN, REVIEWS_OVERDUE, REVIEW_OLDEST, REVIEWS_ANSWERED, REVIEW_AGREEMENT, REVIEWS_NOT_ENTERED),
)
"""Read from the ledger."""
GATEWAY = (LEDGER_UP, BUILD_INFO, UNSHIPPED)
"""Known without it."""
