"""The drift benchmark's tables."""

from collections.abc import Mapping

from rich.table import Table

from tests.bench.drift.windows import COLUMNS


def table_of_looks(found: Mapping[str, Mapping[int, Mapping[str, float]]]) -> Table:
    """Return the share of looks by kind, size and way of looking."""
    ways = [way for way in next(iter(next(iter(found.values())).values())) if way != "windows"]
    table = Table("world", "rows", *ways, title="Share of looks that raise anything, or that name what moved")
    for kind, sizes in found.items():
        for rows, shares in sizes.items():
            moved = f"{kind}: {COLUMNS[kind]} named" if kind in COLUMNS else f"{kind} moved"
            table.add_row(moved, f"{rows:,}", *(f"{shares[way]:.1%}" for way in ways))
    return table


def table_of_agreement(found: Mapping[str, Mapping[str, float]]) -> Table:
    """Return our distances beside Evidently's."""
    measures = list(next(iter(found.values())))
    table = Table("column", *measures, title="Distances, ours and Evidently's")
    for column, values in found.items():
        table.add_row(column, *(f"{values[name]:.4f}" if name in values else "" for name in measures))
    return table
