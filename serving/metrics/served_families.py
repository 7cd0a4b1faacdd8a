"""The metrics of what was served: from the prediction log, and from the replicas that answer."""

from serving.metrics.family import counter, gauge, histogram

STAGE_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
REQUEST_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SCORES = tuple(step / 20 for step in range(1, 21))

PREDICTIONS = counter(
    "holdfast_predictions_total",
    "Rows of the prediction log: every attempt of a version at a request row, a shadow's too",
    *("model", "version", "arm", "tier", "outcome"),
)
STAGE_DURATION = histogram(
    "holdfast_stage_duration_seconds",
    "Time in a stage (decode, queue, features, predict); an observation is a row, which has its micro-batch's time",
    STAGE_SECONDS,
    *("model", "version", "tier", "stage"),
)
SCORE = histogram("holdfast_score", "Scores of answered rows, a shadow's too", SCORES, "model", "version")
SHOWN = counter("holdfast_rows_shown_total", "Rows that a client was to see", "model")
MISSING = counter(
    "holdfast_feature_missing_total",
    "Rows shown to a client in which a declared default stood in for the feature",
    *("model", "feature"),
)
SHADOW_ROWS = counter(
    "holdfast_shadow_rows_total",
    "Mirrored rows by what became of them: answered, failed, or dropped before they reached the shadow",
    *("model", "version", "result"),
)
COST = counter(
    "holdfast_prediction_cost_total",
    "What predictions cost, in the prediction log's unit of cost",
    *("model", "version", "tier", "tenant"),
)
UNCOUNTED = counter(
    "holdfast_log_rows_uncounted_total", "Logged rows that no other metric holds, because they were merged uncounted"
)

REQUESTS = counter(
    "holdfast_requests_total",
    "Requests for predictions by the HTTP status of the answer; 499 when the caller hung up",
    *("model", "status"),
)
REQUEST_DURATION = histogram(
    "holdfast_request_duration_seconds",
    "Time from a request's head to its answer, the reading of its body included, whatever the answer was",
    REQUEST_SECONDS,
    "model",
)
PROBLEMS = counter(
    "holdfast_problems_total", "Requests that were answered with a problem document, by its kind", "model", "kind"
)
RETRIES = counter(
    "holdfast_retries_total", "Requests that were tried again by themselves, because their micro-batch failed", "model"
)
TURNED_AWAY = counter(
    "holdfast_turned_away_total",
    "Requests for predictions turned away at the door or shed, by kind of problem; an unknown caller has no tenant",
    *("tenant", "priority", "kind"),
)
SHARED = counter(
    "holdfast_requests_shared_total",
    "Requests without a key that were given the answer of one like them that was under way",
    "model",
)
REPLAYS = counter(
    "holdfast_replays_total", "Requests that were given the answer which their idempotency key had before", "model"
)
SHADOW_CRASHES = counter(
    "holdfast_shadow_crashes_total", "Times that a shadow's process ended by itself or was ended", "model", "version"
)

QUEUE = gauge("holdfast_queue_requests", "Requests that wait for a micro-batch, over all replicas", "model", "priority")
IN_FLIGHT = gauge("holdfast_requests_in_flight", "Requests that are being answered, over all replicas", "model")
BREAKER_OPEN = gauge(
    "holdfast_breaker_open", "Replicas on which the breaker of an arm is open", "model", "version", "arm"
)
FAILURE_BREAKER = gauge(
    "holdfast_failure_breaker_open",
    "Replicas on which a version, or the online store (features), is not asked after failures; half-open counts half",
    "model",
    "name",
)
SHIPPING_FAILS = gauge("holdfast_shipping_fails", "Replicas whose last round of shipping the prediction log failed")
REPLICAS = gauge("holdfast_replicas", "Replicas that have told their figures within the last 15 seconds")

LOGGED = (PREDICTIONS, STAGE_DURATION, SCORE, SHOWN, MISSING, SHADOW_ROWS, COST, UNCOUNTED)
"""Counted from the prediction log; rows that a shadow never got are told by the replicas."""
TOLD = (
    *(REQUESTS, REQUEST_DURATION, PROBLEMS, RETRIES, TURNED_AWAY, SHARED, REPLAYS, SHADOW_CRASHES),
    *(QUEUE, IN_FLIGHT, BREAKER_OPEN, FAILURE_BREAKER, SHIPPING_FAILS, REPLICAS),
)
"""Told by the replicas that live, or lived."""
