"""What a person's word does to a model's traffic, whatever the rules find: the next plan, and who moves where."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NoReturn, TypeAlias

from lifecycle.errors import TransitionRefused
from lifecycle.outcome import Action, Outcome, StageChange
from lifecycle.plan import TrafficPlan
from lifecycle.rollout_policy import ArmName
from lifecycle.stages import Stage
from lifecycle.verdict import worst

Move: TypeAlias = tuple[str | None, Stage]

MAY_BE_NAMED = (Stage.RETIRED, Stage.ROLLED_BACK)
"""Stages of versions outside the plan that a person may name as champion: they have answered users before. A version
that nobody has tried earns its way; only where no champion stands, at the offline gate, is it champion at once."""


def roll_back(
    plan: TrafficPlan, stages: Mapping[str, Stage], at: datetime, reason: str, arm: ArmName | None = None
) -> Outcome:
    """Return the plan without the canary when there is one, else with the previous champion back; or end `arm`.

    A hold stays: this takes one version back and lets nothing else move. A pin ends with its version, and the plan is
    held then. Raises TransitionRefused when there is nothing in that arm, or no previous champion.
    """
    _require_champion(plan)
    arm = arm or ("canary" if plan.canary else "champion")
    if arm == "champion":
        return _champion_back(plan, stages, at, reason)
    if arm == "canary":
        following = plan.end_canary()
        version = plan.canary.version if plan.canary else None
        done = f"canary version {version} is taken back, champion version {plan.champion} answers everybody"
        return _outcome(
            Action.ROLL_BACK, version, f"{done}: {reason}", following, _moves(stages, [(version, Stage.ROLLED_BACK)])
        )
    following = plan.end_shadow()
    version = plan.shadow.version if plan.shadow else None
    done = f"shadow version {version} is rejected"
    return _outcome(Action.REJECT, version, f"{done}: {reason}", following, _moves(stages, [(version, Stage.REJECTED)]))


def _champion_back(plan: TrafficPlan, stages: Mapping[str, Stage], at: datetime, reason: str) -> Outcome:
    following = plan.roll_back(at)
    moves = [(plan.champion, Stage.ROLLED_BACK), (plan.previous, Stage.CHAMPION)]
    done = f"version {plan.champion} is champion no more, version {plan.previous} answers again"
    if plan.pinned:
        ended = f"version {plan.champion}, which was pinned ({plan.held}), was taken back ({reason})"
        following = replace(following, held=f"the pin ended: {ended}")
        done = f"{done}, and the pin of version {plan.champion} ({plan.held}) ends with it: nothing advances"
    return _outcome(Action.ROLL_BACK, plan.champion, f"{done}: {reason}", following, _moves(stages, moves))


def arm_of(plan: TrafficPlan, version: str) -> ArmName:
    """Return the arm that a version stands in; raises TransitionRefused, naming who stands where, for another one."""
    canary, shadow = (None if trial is None else trial.version for trial in (plan.canary, plan.shadow))
    arms: tuple[tuple[ArmName, str | None], ...] = (("champion", plan.champion), ("canary", canary), ("shadow", shadow))
    for arm, stands in arms:
        if stands == version:
            return arm
    there = ", ".join(f"{arm} {stands}" for arm, stands in arms if stands is not None) or "none"
    raise TransitionRefused(f"version {version} of {plan.model} gets no traffic; versions that do: {there}")


def hold(plan: TrafficPlan, stages: Mapping[str, Stage], at: datetime, reason: str) -> Outcome:  # noqa: ARG001 - all words have one form
    """Return the plan in which nothing advances; versions on trial keep their traffic and wait where they stand.

    Raises TransitionRefused when it is held already, or nothing serves.
    """
    _require_champion(plan)
    if plan.held is not None:
        raise TransitionRefused(
            f"{plan.model} is {'pinned' if plan.pinned else 'held'} already: {plan.held}. Nothing advances; "
            "possible now: resume, rollback, promote, pin"
        )
    following = plan.hold(reason)
    return _outcome(
        Action.HOLD,
        _foremost(plan),
        f"nothing advances until a person resumes: {reason}",
        following,
        _moves(stages, _waiting(following, stages)),
    )


def resume(plan: TrafficPlan, stages: Mapping[str, Stage], at: datetime, reason: str) -> Outcome:
    """Return the plan in which the rules act again, and move who was held back to where it stands in the plan.

    Raises TransitionRefused when nothing is held.
    """
    _require_champion(plan)
    if plan.held is None:
        raise TransitionRefused(
            f"{plan.model} is not held (plan revision {plan.revision}); possible now: hold, rollback, promote, pin"
        )
    following = plan.resume(at)
    moves = [(version, stage) for version, stage in _trials(following) if stages.get(version) is Stage.HELD]
    return _outcome(Action.RESUME, _foremost(plan), f"the rules act again: {reason}", following, _moves(stages, moves))


def promote(
    plan: TrafficPlan, stages: Mapping[str, Stage], at: datetime, reason: str, version: str | None = None
) -> Outcome:
    """Return the plan with a version as champion: the canary, else the shadow, or a named one that may be.

    That is a version on trial, or one that has answered users before, taken back or not. A hold stays. Raises
    TransitionRefused for any other version, and while a champion is pinned.
    """
    _require_champion(plan)
    if plan.pinned:
        raise TransitionRefused(
            f"version {plan.champion} of {plan.model} is pinned: {plan.held}. Possible now: resume, then promote; or "
            "pin another version"
        )
    following, moves, version = _with_champion(plan, stages, at, version or _on_trial(plan, stages))
    done = f"version {version} is champion, version {plan.champion} stays ready as the way back"
    return _outcome(Action.PROMOTE, version, f"{done}: {reason}", following, _moves(stages, moves))


def pin(
    plan: TrafficPlan, stages: Mapping[str, Stage], at: datetime, reason: str, version: str | None = None
) -> Outcome:
    """Return the plan that keeps a version champion, today's unless one is named, and advances nothing.

    Raises TransitionRefused when it is pinned already, and for a version that may not be champion.
    """
    _require_champion(plan)
    wanted = version or plan.champion
    if wanted == plan.champion and plan.pinned:
        raise TransitionRefused(
            f"version {plan.champion} of {plan.model} is pinned already: {plan.held}. Possible now: resume, rollback, "
            "pin another version"
        )
    moves: list[Move] = []
    following = plan
    if wanted != plan.champion:
        following, moves, wanted = _with_champion(plan, stages, at, str(wanted))
    # Both steps are one revision: nobody may see the new champion before it is pinned.
    following = replace(following.pin(reason), revision=plan.revision + 1)
    done = f"version {wanted} stays champion whatever the rules find"
    return _outcome(
        Action.PIN, wanted, f"{done}: {reason}", following, _moves(stages, [*moves, *_waiting(following, stages)])
    )


def _with_champion(
    plan: TrafficPlan, stages: Mapping[str, Stage], at: datetime, version: str
) -> tuple[TrafficPlan, list[Move], str]:
    known = [plan.champion, plan.previous, *(trial for trial, _ in _trials(plan))]
    if version not in known and stages.get(version) not in MAY_BE_NAMED:
        _refuse_version(plan, stages, version)
    return plan.promote(version, at), [(plan.champion, Stage.RETIRED), (version, Stage.CHAMPION)], version


def _on_trial(plan: TrafficPlan, stages: Mapping[str, Stage]) -> str:
    version = next((known for known, _ in _trials(plan)), None)
    return version or _refuse_version(plan, stages, None)


def _refuse_version(plan: TrafficPlan, stages: Mapping[str, Stage], version: str | None) -> NoReturn:
    # What was taken back may be named by somebody who knows why it was, and is no suggestion.
    able = [known for known, _ in _trials(plan)]
    able += [known for known, stage in stages.items() if stage is Stage.RETIRED and known not in able]
    stands = f"version {version} of {plan.model} is {stages.get(version) or 'unknown'}" if version else None
    raise TransitionRefused(
        f"{stands or f'{plan.model} has no version on trial'}; versions that may be made champion: "
        f"{', '.join(able) or 'none'}"
    )


def _trials(plan: TrafficPlan) -> list[tuple[str, Stage]]:
    canary = [] if plan.canary is None else [(plan.canary.version, Stage.CANARY)]
    shadow = [] if plan.shadow is None else [(plan.shadow.version, Stage.SHADOW)]
    return canary + shadow


def _waiting(plan: TrafficPlan, stages: Mapping[str, Stage]) -> list[Move]:
    return [(version, Stage.HELD) for version, _ in _trials(plan) if stages.get(version) is not Stage.HELD]


def _foremost(plan: TrafficPlan) -> str | None:
    return next((version for version, _ in _trials(plan)), plan.champion)


def _require_champion(plan: TrafficPlan) -> None:
    if plan.champion is None:
        raise TransitionRefused(
            f"nothing serves for {plan.model} yet, so there is nothing to override; train its first version"
        )


def _outcome(
    action: Action, version: str | None, reason: str, plan: TrafficPlan, stages: tuple[StageChange, ...]
) -> Outcome:
    return Outcome(action, str(version), worst(()), reason, (), plan, stages)


def _moves(stages: Mapping[str, Stage], moves: Sequence[Move]) -> tuple[StageChange, ...]:
    # A champion from before standings were kept has none to move, and must still be taken back.
    return tuple(StageChange(who, stage) for who, stage in moves if who is not None and who in stages)
