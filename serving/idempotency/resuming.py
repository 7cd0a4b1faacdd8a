"""The answer of a request that somebody who died had begun to answer: from what he logged, and the rest anew."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from feature_repo.definition import ModelDefinition
from lifecycle.assignment import Arm
from serving.answer import MODEL_TIER, Answer, Ask
from stores.prediction_log.claimed import ClaimedRow


@dataclass(frozen=True, slots=True)
class _AnsweredRow:
    prediction_id: str
    version: str
    tier: str
    probability: float
    decision: str
    defaulted: Sequence[str]


async def resume(ask: Ask, definition: ModelDefinition, submit: Callable[[Ask], Awaitable[Answer]]) -> Answer:
    """Return the answer to an ask of whose rows some are logged already, all of them answered.

    Rows that are not logged are submitted; nothing is scored that was scored before.
    """
    logged = () if ask.claim is None else ask.claim.logged
    n_rows = len(ask.rows)
    rows = {one.row: _of_log(one) for one in logged if one.row < n_rows}
    missing = [number for number in range(n_rows) if number not in rows]
    ages = [age for one in logged if (age := _age(definition, one)) is not None]
    rest: Answer | None = None
    if missing:
        rest = await submit(ask.part(missing))
        rows |= dict(zip(missing, _of_answer(rest), strict=True))
        ages += [] if rest.feature_age_seconds is None else [rest.feature_age_seconds]
    versions = [rows[number].version for number in range(n_rows)]
    tiers = [rows[number].tier for number in range(n_rows)]
    first = min(logged, key=lambda one: one.row)
    champions = [one.version for one in logged if one.arm in (Arm.CHAMPION.value, Arm.CONTROL.value)]
    champion = champions[0] if champions else versions[0] if rest is None else rest.version
    return Answer(
        model=definition.name,
        version=champion if len(set(versions)) > 1 else versions[0],
        contract=first.contract,
        plan_revision=first.plan_revision,
        prediction_ids=[rows[number].prediction_id for number in range(n_rows)],
        probabilities=[rows[number].probability for number in range(n_rows)],
        decisions=[rows[number].decision for number in range(n_rows)],
        defaulted=[rows[number].defaulted for number in range(n_rows)],
        feature_age_seconds=max(ages, default=None),
        versions=versions if len(set(versions)) > 1 else None,
        tier=MODEL_TIER if len(set(tiers)) > 1 else tiers[0],
        tiers=tiers if len(set(tiers)) > 1 else None,
    )


def _of_log(row: ClaimedRow) -> _AnsweredRow:
    if row.score is None or row.decision is None:
        raise ValueError(f"the logged row {row.prediction_id} has no answer")
    return _AnsweredRow(row.prediction_id, row.version, row.tier, row.score, row.decision, row.defaulted or ())


def _of_answer(answer: Answer) -> list[_AnsweredRow]:
    n_rows = len(answer.prediction_ids)
    return [
        _AnsweredRow(*values)
        for values in zip(
            answer.prediction_ids,
            answer.versions or [answer.version] * n_rows,
            answer.tiers or [answer.tier] * n_rows,
            answer.probabilities,
            answer.decisions,
            answer.defaulted,
            strict=True,
        )
    ]


def _age(definition: ModelDefinition, row: ClaimedRow) -> float | None:
    """Return the age of a row's oldest looked-up features in seconds, as `Answer` has it; None without any."""
    ageing = zip(definition.views, row.feature_at or (), strict=False)
    there = [at.timestamp() for view, at in ageing if view.ages and at is not None]
    return row.moment_at.timestamp() - min(there) if there else None
