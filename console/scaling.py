"""How many gateway replicas there are, how many there may be, and why their number last changed."""

from dataclasses import dataclass
from datetime import datetime

from rich.markup import escape
from sqlalchemy import Engine

from stores.ledger.scalings import Scalings


@dataclass(frozen=True)
class ScalingStatus:
    """How many gateway replicas report, how many there may be, and why their number last changed.

    `replicas` is how many there were to be from `since` on, instead of `replicas_before`.
    """

    running: int
    minimum: int
    maximum: int
    replicas_before: int
    replicas: int
    since: datetime
    because: str


def read_scaling(engine: Engine, running: int) -> ScalingStatus | None:
    """Return the last change, with so many replicas that report now; None until a gateway has run."""
    last = Scalings(engine).last()
    if not last:
        return None
    (change,) = last
    return ScalingStatus(
        running, change.minimum, change.maximum, change.replicas_before, change.replicas, change.at, change.reason
    )


def scaling_line(scaling: ScalingStatus) -> str:
    """Return it in one line."""
    bounds = f"{scaling.minimum}" if scaling.minimum == scaling.maximum else f"{scaling.minimum} to {scaling.maximum}"
    return (
        f"Gateway: {scaling.running} replicas report, {bounds} allowed; {scaling.replicas_before} → {scaling.replicas} "
        f"wanted since {scaling.since:%Y-%m-%d %H:%M:%S} UTC, because {escape(scaling.because)}"
    )
