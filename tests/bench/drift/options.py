"""What a sceptic may vary in the drift benchmark."""

import argparse
from dataclasses import dataclass


@dataclass(frozen=True)
class DriftOptions:
    """The seed, how many windows of each kind and size, and the rows of the windows that are timed."""

    seed: int = 1
    windows: int = 1000
    changed_windows: int = 300
    timed_rows: int = 300_000


def add_drift_options(parser: argparse.ArgumentParser) -> None:
    """Add the drift benchmark's options to a command; the seed is shared with the others."""
    usual = DriftOptions()
    group = parser.add_argument_group("drift")
    group.add_argument("--windows", type=int, default=usual.windows, help="in which nothing moved, of each size")
    group.add_argument("--changed-windows", type=int, default=usual.changed_windows, help="of each change and size")
    group.add_argument("--timed-rows", type=int, default=usual.timed_rows, help="in each of the two timed windows")


def chosen_drift_options(given: argparse.Namespace) -> DriftOptions:
    """Return the options that were given."""
    return DriftOptions(given.seed, given.windows, given.changed_windows, given.timed_rows)
