"""How long and how hard the overload benchmark presses."""

import argparse
from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Seconds of each part, the overload as a multiple of the capacity, and the sizes of requests.

    `rough_capacity` only says how many requests the measurement of the capacity sends for each of its seconds.
    """

    seconds: float = 60.0
    quiet_seconds: float = 20.0
    times: float = 5.0
    rows: int = 32
    people_per_second: float = 50.0
    capacity_seconds: float = 8.0
    warm_up_seconds: float = 3.0
    rough_capacity: float = 500.0


def add_overload_options(parser: argparse.ArgumentParser) -> None:
    """Let the command line shorten it."""
    group = parser.add_argument_group("overload")
    group.add_argument("--overload-seconds", type=float, default=Options.seconds, help="seconds of overload")
    group.add_argument("--quiet-seconds", type=float, default=Options.quiet_seconds, help="seconds of quiet before")
    group.add_argument("--overload-times", type=float, default=Options.times, help="the overload in capacities")
    group.add_argument("--overload-rows", type=int, default=Options.rows, help="rows of a program's request")


def chosen_overload_options(given: argparse.Namespace) -> Options:
    """Return what was chosen."""
    return Options(
        seconds=given.overload_seconds,
        quiet_seconds=given.quiet_seconds,
        times=given.overload_times,
        rows=given.overload_rows,
    )
