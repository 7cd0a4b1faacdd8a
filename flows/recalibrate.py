"""Recalibrate: numbers of the policy that depend on the champion, derived anew for a new one, and proposed."""

from datetime import datetime, timedelta
from uuid import uuid4

import numpy as np
import pandas as pd
import structlog
from prefect import flow
from sqlalchemy import Engine

from feature_repo.definition import ModelDefinition, load_definition
from flows.supervision.labels import KnownLabels
from flows.turns import take_turns
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.proposal import Proposal
from lifecycle.recalibration import (
    MINIMUM_DAYS,
    THRESHOLD,
    Answers,
    Recalibrated,
    decide_recalibration,
    recalibrate_threshold,
)
from lifecycle.verdict import Finding, Verdict
from stores.clock import ReplayClock
from stores.events import EventStore
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.ledger.proposals import Proposals
from stores.policies import load_policy, policy_models
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings, settings

ANSWERED = """
SELECT example_id, score, moment_at FROM predictions
WHERE model = ? AND version = ? AND moment_at >= ? AND moment_at < ?
AND outcome IS DISTINCT FROM 'failed' AND score IS NOT NULL AND decided_by IS NULL
ORDER BY served_at, prediction_id
"""
"""What the champion said, in shadow and canary too; what an override or a filter decided asks no threshold."""

log = structlog.get_logger()


@flow(name="recalibrate")
def recalibrate(model: str | None = None, again: bool = False) -> tuple[Proposal, ...]:  # noqa: FBT001, FBT002 - a flow's parameters come by name
    """Propose the threshold that suits a new champion, once for each that stands, and return what is new.

    A champion is judged once its labelled answers fill enough days; until then nothing is said. With `again` one that
    was judged already is judged anew. Nothing is applied: `holdfast proposals` shows what is open.
    """
    config = settings()
    engine = open_ledger(config.ledger_address)

    def act(name: str) -> Proposal | None:
        return recalibrate_model(load_definition(name), config, engine, again=again)

    done = take_turns(policy_models(config.policies) if model is None else (model,), act)
    return tuple(proposal for proposal in done if proposal is not None)


def recalibrate_model(
    definition: ModelDefinition, config: Settings, engine: Engine, *, again: bool = False
) -> Proposal | None:
    """Return the new proposal about one model, None when there is none."""
    plan, progress = Plans(engine).current(definition.name), Progress(engine)
    mark = f"recalibrate:{definition.name}:{plan.champion_since_revision}"
    if plan.champion is None or (progress.watermark(mark) is not None and not again):
        return None
    policy, now = load_policy(config.policies, definition.name), ReplayClock(progress).now()
    answers = _answers(definition, config, policy, plan.champion, now)
    rng = np.random.default_rng(policy.training.seed)
    found = recalibrate_threshold(answers, policy.decision.threshold, policy.cost, rng)
    finding = decide_recalibration(found, len(np.unique(answers.days)))
    log.info("recalibrated", model=definition.name, version=plan.champion, found=finding.reason)
    if found is None:
        return None
    proposal = _proposal(plan, policy, found, finding, now) if finding.verdict is Verdict.FAIL else None
    new = proposal is not None and Proposals(engine).propose(proposal)
    # Last, so that a run that is killed before it has proposed is made again.
    progress.advance(mark, now)
    return proposal if new else None


def _answers(definition: ModelDefinition, config: Settings, policy: Policy, version: str, now: datetime) -> Answers:
    """Return a version's labelled answers of the days that the offline gate judges by, each question once."""
    start = now - timedelta(days=max(policy.training.validation_days, 2 * MINIMUM_DAYS))
    question = (definition.name, version, start, now)
    rows = PredictionLog(config.prediction_log).query_table(ANSWERED, question).to_pandas()
    rows = rows.drop_duplicates("example_id", keep="last")
    known = KnownLabels().of(definition, EventStore(config.events), start, now, now).by_example
    labels: pd.Series = rows["example_id"].map(known)
    labelled = rows[labels.notna()]
    moments = labelled["moment_at"].to_numpy("datetime64[D]").astype(np.int64)
    return Answers(labels.dropna().to_numpy(np.int64), labelled["score"].to_numpy(np.float64), moments)


def _proposal(plan: TrafficPlan, policy: Policy, found: Recalibrated, finding: Finding, now: datetime) -> Proposal:
    return Proposal(
        proposal_id=uuid4().hex,
        model=plan.model,
        version=str(plan.champion),
        key=THRESHOLD,
        written=found.written,
        proposed=found.proposed,
        reason=f"version {plan.champion} is champion: {finding.reason}",
        policy_revision=policy.revision(),
        proposed_at=now,
        evidence={
            "rows": found.rows,
            "days": found.days,
            "cost_per_row": found.cost,
            "saving_per_row": found.saving,
            "saving_low": found.low,
            "saving_high": found.high,
            "plan_revision": plan.revision,
        },
    )
