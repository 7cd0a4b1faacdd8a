"""The serving benchmark's figures, for people and for programs."""

from collections.abc import Callable, Mapping
from dataclasses import asdict

from rich.table import Table

from tests.bench.serving.profile import Profile, Shares
from tests.bench.serving.requests import ROWS_PER_BATCH
from tests.bench.serving.rounds import MANY_CONNECTIONS, Results, Round, middle, ratio

FIGURES: Mapping[str, Callable[[Round], float]] = {
    "p50_ms": lambda one: one.alone.p50_ms,
    "p99_ms": lambda one: one.alone.p99_ms,
    "requests_per_second": lambda one: one.many.per_second,
    "p99_ms_loaded": lambda one: one.many.p99_ms,
    "rows_per_second": lambda one: one.rows_per_second,
}
SHOWN_STAGES = {
    "transport": "an empty request through the same proxy and event loop",
    "decode": "JSON to typed, checked rows",
    "queue": "waiting for the micro-batch",
    "features": "online features, derived features, defaults",
    "predict": "booster",
    "log_and_answer": "routing, log append, answer; measured in process",
    "rest": "larger messages, waiting for a core",
    "total": "",
}


def as_figures(results: Results, memory: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return each contestant's figures, medians over rounds, with its memory in MB."""
    return {
        name: {figure: round(middle(rounds, read), 3) for figure, read in FIGURES.items()}
        | {"memory_mb": round(memory[name])}
        for name, rounds in results.items()
    }


def as_ratios(results: Results, ours: str) -> dict[str, dict[str, float]]:
    """Return, per rival, how many times our requests and rows per second are theirs, and theirs our p50."""
    return {
        rival: {
            "requests_per_second": round(ratio(results[ours], rounds, FIGURES["requests_per_second"]), 2),
            "rows_per_second": round(ratio(results[ours], rounds, FIGURES["rows_per_second"]), 2),
            "p50": round(ratio(rounds, results[ours], FIGURES["p50_ms"]), 2),
        }
        for rival, rounds in results.items()
        if rival != ours
    }


def comparison(figures: Mapping[str, Mapping[str, float]]) -> Table:
    """Return the table of servers."""
    table = Table(title="Same booster, same machine, side by side", title_justify="left")
    table.add_column("server", no_wrap=True)
    for heading in (
        "p50 ms\n1 conn",
        "p99 ms\n1 conn",
        f"req/s\n{MANY_CONNECTIONS} conn",
        f"rows/s\n{ROWS_PER_BATCH}/req",
        "memory\nMB",
    ):
        table.add_column(heading, justify="right")
    for name, row in figures.items():
        table.add_row(
            name,
            *(f"{row[figure]:.2f}" for figure in ("p50_ms", "p99_ms")),
            f"{row['requests_per_second']:,.0f}",
            f"{row['rows_per_second']:,.0f}",
            f"{row['memory_mb']:,.0f}",
        )
    return table


def shares(profile: Profile) -> Table:
    """Return the table of where a request's time goes."""
    title = f"Where the time goes, µs per request; {profile.rows_per_batch:.1f} rows per micro-batch when loaded"
    table = Table(title=title, title_justify="left")
    table.add_column("stage")
    table.add_column("1 connection", justify="right")
    table.add_column(f"{MANY_CONNECTIONS} connections", justify="right")
    table.add_column("")
    for name, meaning in SHOWN_STAGES.items():
        table.add_row(name, _us(profile.alone, name), _us(profile.loaded, name), meaning)
    return table


def as_profile(profile: Profile) -> dict[str, object]:
    """Return the profile for programs."""
    return {
        "microseconds_alone": asdict(profile.alone),
        "microseconds_loaded": asdict(profile.loaded),
        "rows_per_batch_loaded": profile.rows_per_batch,
    }


def _us(shares: Shares, name: str) -> str:
    return f"{getattr(shares, name):,.0f}"
