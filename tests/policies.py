"""The smallest rollout that a policy may hold, for tests that are about something else."""

from textwrap import dedent

from lifecycle.idempotency_policy import IdempotencyPolicy
from lifecycle.jobs_policy import JobsPolicy, WebhookPolicy
from lifecycle.people import Override, Person
from lifecycle.resources_policy import ArmResources, ComputingResources, ReplicasPolicy, ResourcesPolicy
from lifecycle.rollout_policy import (
    CanaryPolicy,
    CanaryStep,
    ChampionPolicy,
    PickUpPolicy,
    RolloutPolicy,
    RolloutRule,
    ShadowPolicy,
)
from lifecycle.tiers_policy import BreakerPolicy, FallbackTier, StaticAnswer, TiersPolicy
from lifecycle.watching_policy import (
    DriftPolicy,
    OutputsPolicy,
    ParityPolicy,
    QualityCondition,
    QualityPolicy,
    QualityRule,
    RetrainingPolicy,
    WatchingPolicy,
)

SERVING_YAML = """
serving:
  max_rows_per_request: 64
  max_body_bytes: 65536
  max_batch_rows: 64
  max_added_wait_ms: 0
  max_queued_requests: 100
  feature_cache_seconds: 0
tiers:
  deadline_ms: 60000
  champion_ms: 20000
  fallback:
    - {tier: previous, deadline_ms: 20000}
    - {tier: rule, deadline_ms: 10000}
  static: {score: 0.5, because: Nothing is known.}
  breaker: {failures: 5, cool_down_seconds: 5}
"""
"""Limits that no test meets by chance, however busy its machine is."""
TRAINING_YAML = """
training:
  window_days: 20
  validation_days: 6
  label_maturity_hours: 12
  minimum_rows: 500
  minimum_validation_rows: 200
  seed: 7
  rounds: 40
  parameters:
    max_depth: 3
    learning_rate: 0.3
    subsample: 0.8
    colsample_bytree: 1
    min_child_weight: 1
    reg_lambda: 1
"""
TIERS = TiersPolicy(
    deadline_ms=1000,
    champion_ms=500,
    fallback=(FallbackTier(tier="previous", deadline_ms=200), FallbackTier(tier="rule", deadline_ms=100)),
    static=StaticAnswer(score=0.2, because="So many are positive."),
    breaker=BreakerPolicy(failures=5, cool_down_seconds=5),
)
PICK_UP = PickUpPolicy(
    allowed_formats=("xgboost-ubj", "xgboost-json", "sklearn-skops", "onnx"),
    max_artifact_mb=50,
    max_latency_ms_1_row=200,
    max_latency_ms_64_rows=400,
)

SHARED = ArmResources(cpus=0, gpus=0, device="cpu", memory_mb=0, placement="shared")
RESOURCES = ResourcesPolicy(
    replicas=ReplicasPolicy(
        minimum=1,
        maximum=1,
        target_queue_depth=16,
        target_p95_ms=100,
        scale_up_after_seconds=15,
        scale_down_after_seconds=300,
    ),
    champion=SHARED,
    canary=SHARED,
    shadow=ComputingResources(cpus=0, gpus=0, device="cpu"),
)


def error_rule(arm: str) -> RolloutRule:
    """Return the rule that every arm must have."""
    compared: dict[str, object] = (
        {"above": 0.2} if arm == "champion" else {"worse_than": "champion", "by_more_than": 0.2}
    )
    return RolloutRule.model_validate(
        {
            "id": f"{arm}-errors",
            "when": {"metric": "error_rate", "arm": arm, **compared},
            "then": "reject" if arm == "shadow" else "roll_back",
            "veto_only": arm == "champion",
            "because": "It must answer.",
        }
    )


def small_rollout(unit: str) -> RolloutPolicy:
    """Return a rollout of one canary step whose rules limit errors and nothing else."""
    return RolloutPolicy(
        unit=(unit,),
        error_probability=0.01,
        shadow=ShadowPolicy(
            minimum_hours=0,
            minimum_answers=20,
            minimum_labels=0,
            longest_hold_hours=100,
            queue_batches=100,
            memory_limit_mb=1000,
            batch_deadline_ms=5000,
        ),
        canary=CanaryPolicy(
            deadline_ms=200,
            longest_hold_hours=100,
            steps=(CanaryStep(share=0.5, minimum_hours=0, minimum_answers=20, minimum_labels=0),),
        ),
        champion=ChampionPolicy(window_hours=1, false_alarm_every_days=365),
        rules=tuple(error_rule(arm) for arm in ("shadow", "canary", "champion")),
    )


WATCHING = WatchingPolicy(
    drift=DriftPolicy(
        window_hours=168,
        minimum_rows=100,
        false_alarm_rate=0.01,
        minimum_effect=0.1,
        minimum_missing=0.02,
        features_alone="note",
        then="alarm",
    ),
    outputs=OutputsPolicy(window_answers=50, false_alarm_every_days=365, cool_down_seconds=60, capture_rows=500),
    quality=QualityPolicy(
        window_days=7,
        confidence=0.99,
        minimum_labels=50,
        rules=(
            QualityRule(
                id="quality-loss",
                when=QualityCondition(metric="log_loss", worse_than="baseline", by_more_than=0.1),
                then="alarm",
                because="It must know something.",
            ),
        ),
    ),
    parity=ParityPolicy(sample_rows=50, relative_tolerance=1e-6, share_tolerated=0),
)
RETRAINING = RetrainingPolicy(
    every_days=30, new_labels=1000, cool_down_days=7, at_most=4, in_days=60, person_weight=3, captured_weight=2
)

JOBS = JobsPolicy(
    lease_seconds=30,
    attempts=3,
    retry_seconds=1,
    max_waiting=1000,
    longest_wait_hours=1,
    keep_hours=1,
    time_share=1,
    webhook=WebhookPolicy(timeout_seconds=5, attempts=3, first_retry_seconds=1, longest_retry_seconds=60),
)
IDEMPOTENCY = IdempotencyPolicy(keep_hours=24, wait_ms=5000, max_answer_bytes=100_000, share_identical=True)

PEOPLE = (Person(name="on-call", may=tuple(Override)),)


def rollout_yaml(unit: str) -> str:
    """Return the same as the end of a policy file."""
    rules = "".join(
        f"    - {rule.model_dump_json(exclude_none=True, exclude_defaults=True)}\n"
        for rule in small_rollout(unit).rules
    )
    start = dedent(
        f"""
        resources: {RESOURCES.model_dump_json(exclude_none=True)}
        idempotency: {IDEMPOTENCY.model_dump_json()}
        pick_up: {PICK_UP.model_dump_json()}
        rollout:
          unit: [{unit}]
          error_probability: 0.01
          shadow: {small_rollout(unit).shadow.model_dump_json()}
          canary: {small_rollout(unit).canary.model_dump_json()}
          champion: {small_rollout(unit).champion.model_dump_json()}
          rules:
        """
    )
    watching = WATCHING.model_dump_json(exclude_none=True)
    rules += f"watching: {watching}\nretraining: {RETRAINING.model_dump_json()}\n"
    rules += f"jobs: {JOBS.model_dump_json()}\n"
    return f"{start}{rules}people:\n  - {PEOPLE[0].model_dump_json()}\n"
