"""What the simulated candidates are like."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """A candidate: its rate of errors, its latency as a multiple, and the noise of its scores in one slice of ten.

    `slice_noise` is the standard deviation of what is added to the logit of the truth; every other score, and the
    champion's, has `NOISE`.
    """

    name: str
    error_rate: float
    slowness: float
    slice_noise: float
    good: bool


NOISE = 0.3
BASE_ERRORS = 0.01


def scenarios(error_rate: float, slower_percent: float, slice_noise: float) -> tuple[Scenario, ...]:
    """Return an equal candidate and one bad one for each effect."""
    return (
        Scenario("A/A", BASE_ERRORS, 1.0, NOISE, good=True),
        Scenario(f"errors {100 * BASE_ERRORS:g}% to {100 * error_rate:g}%", error_rate, 1.0, NOISE, good=False),
        Scenario(f"latency +{slower_percent:g}%", BASE_ERRORS, 1.0 + slower_percent / 100.0, NOISE, good=False),
        Scenario("quality in a slice of 10%", BASE_ERRORS, 1.0, slice_noise, good=False),
    )
