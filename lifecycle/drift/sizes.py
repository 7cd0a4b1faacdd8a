"""How many rows there are, and how many independent ones they are worth."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Rows of a window and of its baseline, and the days they are of; 0 days where nobody counted."""

    rows: float
    baseline_rows: float
    days: int
    baseline_days: int

    def effective(self, correlation: float) -> tuple[float, float]:
        """Return the independent rows that either side is worth, for something alike within days by `correlation`.

        >>> Sizes(700, 9000, 7, 90).effective(1.0)
        (7.0, 90.0)
        """
        return (
            self.rows / design_effect(self.rows, self.days, correlation),
            self.baseline_rows / design_effect(self.baseline_rows, self.baseline_days, correlation),
        )

    def noise(self, correlation: float) -> float:
        """Return 1/n + 1/m over the effective rows; both must be there.

        >>> Sizes(100, 100, 100, 100).noise(0.5)
        0.02
        """
        rows, baseline_rows = self.effective(correlation)
        return 1.0 / rows + 1.0 / baseline_rows


def design_effect(rows: float, days: int, correlation: float) -> float:
    """Return by how much a mean of rows that come by days varies more than one of independent rows, 1 or more.

    It is 1 + (rows per day - 1) * correlation (Kish, Survey Sampling, 1965), for days of about equal size. With 0
    days, nothing is known of clusters, and it is 1.

    >>> design_effect(1000, 10, 0.1)
    10.9
    """
    if days < 1:
        return 1.0
    return 1.0 + max(rows / days - 1.0, 0.0) * correlation
