"""What the drills do to a plan, each as a function from the plan that stands and the moment to the next plan."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from lifecycle.plan import ShadowArm, TrafficPlan

Move: TypeAlias = Callable[[TrafficPlan, datetime], TrafficPlan]


def promoted(version: str) -> Move:
    """Return the move that makes a version champion."""
    return lambda plan, at: plan.promote(version, at)


def canary(version: str, share: float) -> Move:
    """Return the move that puts a version into canary, without a shadow before."""
    return lambda plan, at: replace(plan, shadow=ShadowArm(version, plan.revision, at)).start_canary(share, at)


def advanced(share: float) -> Move:
    """Return the move that takes the canary one step further."""
    return lambda plan, at: plan.advance_canary(share, at)


def rolled_back(plan: TrafficPlan, at: datetime) -> TrafficPlan:
    """Return the plan without its canary, or where it has none, with the previous champion."""
    return plan.roll_back(at) if plan.canary is None else plan.end_canary()
