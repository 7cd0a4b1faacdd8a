"""What watching has found, as figures: alarms, the newest look, and measured quality."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from lifecycle.alarms import Alarm, AlarmKind
from lifecycle.look import Look
from lifecycle.quality import Quality
from serving.metrics.family import Family
from serving.metrics.figures import Figures
from serving.metrics.loop_families import (
    ALARMS,
    DRIFT_JS,
    DRIFT_P_VALUE,
    DRIFT_PSI,
    FRESHNESS,
    LOOK_AGE,
    LOOK_DURATION,
    LOOK_ROWS,
    MISSING_RATIO,
    QUALITY,
    QUALITY_LABELLED,
)

COLUMN_FIGURES: Mapping[str, Family] = {
    "psi": DRIFT_PSI,
    "js": DRIFT_JS,
    "missing": MISSING_RATIO,
}
"""What a look may say of a column, and where it is shown."""
SECONDS_PER_HOUR = 3600.0


def tell_alarms(figures: Figures, model: str, standing: Sequence[Alarm]) -> None:
    """Set how many alarms of each kind stand, 0 for those without any."""
    for kind in AlarmKind:
        count = sum(alarm.concern.kind is kind for alarm in standing)
        figures.set(ALARMS, (model, kind), float(count))


def tell_look(figures: Figures, look: Look, now: datetime) -> None:
    """Set the figures of a model's newest look. What its evidence does not say, or says otherwise, is left out."""
    figures.set(LOOK_AGE, (look.model,), max(0.0, (now - look.looked_at).total_seconds()))
    figures.set(LOOK_DURATION, (look.model,), look.seconds)
    figures.set(LOOK_ROWS, (look.model, look.version), float(look.rows))
    columns = look.evidence.get("columns")
    for column in columns if isinstance(columns, Sequence) else ():
        if isinstance(column, Mapping) and "column" in column:
            _tell_column(figures, look, column)
    ages = look.evidence.get("freshness_hours")
    for view, hours in ages.items() if isinstance(ages, Mapping) else ():
        if _is_number(hours):
            figures.set(FRESHNESS, (look.model, str(view)), float(hours) * SECONDS_PER_HOUR)


def tell_quality(figures: Figures, newest_first: Sequence[Quality]) -> None:
    """Set the metrics of each version's newest window; a metric that is undefined there is left out."""
    told: set[str] = set()
    for measured in newest_first:
        if measured.version in told:
            continue
        told.add(measured.version)
        figures.set(QUALITY_LABELLED, (measured.model, measured.version), float(measured.labelled))
        for metric, value in measured.metrics.model_dump(exclude={"rows", "positives"}).items():
            if value is not None:
                figures.set(QUALITY, (measured.model, measured.version, metric), float(value))


def _tell_column(figures: Figures, look: Look, column: Mapping[str, object]) -> None:
    for key, family in COLUMN_FIGURES.items():
        value = column.get(key)
        if _is_number(value):
            figures.set(family, (look.model, look.version, str(column["column"])), float(value))  # type: ignore[arg-type]
    moved = column.get("moved")
    chance = moved.get("blocked_p_value") if isinstance(moved, Mapping) else None
    if _is_number(chance):
        figures.set(DRIFT_P_VALUE, (look.model, look.version, str(column["column"])), float(chance))  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
