"""How often each version answered in each arm, counted in the prediction log."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from stores.prediction_log.table import PredictionLog

ARMS = ("champion", "previous", "control", "canary", "shadow", "named")


@dataclass(frozen=True)
class Attempts:
    """One version's attempts in one arm."""

    answered: int
    failed: int


@dataclass(frozen=True)
class Counts:
    """A model's rows in the log: by version and arm, and how many of them a client was shown."""

    by_arm: Mapping[tuple[str, str], Attempts]
    shown: int
    rows: int

    def told(self, version: str) -> str:
        """Return a version's arms, such as "champion 9,001, shadow 800 (3 failed)"; "" when it never answered."""
        return ", ".join(
            f"{arm} {found.answered:,}" + (f" ({found.failed:,} failed)" if found.failed else "")
            for arm in ARMS
            if (found := self.by_arm.get((version, arm))) is not None
        )


def count_attempts(log: PredictionLog, model: str) -> Counts:
    """Return the counts over everything that is logged of a model, shipped or not."""
    rows = log.since(model, 0, ["version", "arm", "outcome", "shown"]).to_pylist()
    # Older rows say nothing of either: all of them were answered and shown.
    answered = Counter((row["version"], row["arm"]) for row in rows if row["outcome"] != "failed")
    failed = Counter((row["version"], row["arm"]) for row in rows if row["outcome"] == "failed")
    by_arm = {key: Attempts(answered[key], failed[key]) for key in {*answered, *failed}}
    return Counts(by_arm, sum(row["shown"] is not False for row in rows), len(rows))
