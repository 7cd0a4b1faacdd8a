"""What a sceptic may vary."""

import argparse
from dataclasses import dataclass


@dataclass(frozen=True)
class JudgeOptions:
    """The seed, how many rollouts of each kind, and how bad the bad candidates are."""

    seed: int = 1
    rollouts: int = 1000
    error_rate: float = 0.03
    slower_percent: float = 20.0
    slice_noise: float = 1.2


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the judge benchmark's options to a command."""
    usual = JudgeOptions()
    group = parser.add_argument_group("judge")
    group.add_argument("--seed", type=int, default=usual.seed, help="another seed draws other rollouts")
    group.add_argument("--rollouts", type=int, default=usual.rollouts, help="how many of each kind")
    group.add_argument("--error-rate", type=float, default=usual.error_rate, help="of the bad candidate; good is 0.01")
    group.add_argument("--slower-percent", type=float, default=usual.slower_percent, help="of the slow candidate")
    group.add_argument(
        "--slice-noise", type=float, default=usual.slice_noise, help="logit noise in one slice; 0.3 is usual"
    )


def chosen_options(given: argparse.Namespace) -> JudgeOptions:
    """Return the options that were given."""
    return JudgeOptions(given.seed, given.rollouts, given.error_rate, given.slower_percent, given.slice_noise)
