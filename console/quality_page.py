"""Measured quality as a person reads it."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lifecycle.measuring.record import Kept
from lifecycle.quality import FIGURES, MORE_IS_BETTER, Figure, FigureName, Quality, QualityDetail


def print_quality(measured: Quality, terminal: Console) -> None:
    """Print a version's figures: each with its interval, the worst slice, and the estimate from scores alone."""
    detail = measured.detail
    terminal.print(
        f"[bold]{escape(measured.model)} version {escape(measured.version)}[/bold], answers for "
        f"{measured.since_at:%Y-%m-%d %H:%M} to {measured.until_at:%Y-%m-%d %H:%M} UTC: {measured.labelled:,} of "
        f"{measured.predictions:,} have their label",
        highlight=False,
    )
    if detail is None:
        terminal.print("  measured before intervals were kept; the next run of measure has them")
        return
    sure = f"interval, {100 * detail.level:.4g}% sure"
    table = Table("metric", "measured", sure, "worst slice", "estimated", "interval of the estimate")
    for name in FIGURES:
        told = None if detail.estimate is None else detail.estimate.figures.of(name)
        table.add_row(name, *_shown(detail.overall.of(name)), _worst_slice(detail, name), *_shown(told))
    terminal.print(table)
    for line in _remarks(detail):
        terminal.print(f"  {line}", highlight=False)


def print_record(
    newest: Quality, windows: Sequence[Quality], kept: Mapping[FigureName, Kept], terminal: Console
) -> None:
    """Print how a version's estimates did against the truth, over windows that share no answer."""
    name = f"{escape(newest.model)} version {escape(newest.version)}"
    if not windows:
        terminal.print(
            f"[bold]{name}[/bold]: no estimate had an interval in a window whose labels have all come", highlight=False
        )
        return
    terminal.print(f"[bold]{name}[/bold]: estimates beside the truth", highlight=False)
    table = Table("until", "metric", "estimated", "interval", "came true", "held")
    for one in windows:
        for metric, beside in ((one.detail.record if one.detail else None) or {}).items():
            interval = f"{beside.low:.4g} to {beside.high:.4g}"
            held = "yes" if beside.held else "[red]no[/red]"
            row = (f"{one.until_at:%Y-%m-%d}", metric, f"{beside.estimate:.4g}", interval, f"{beside.truth:.4g}")
            table.add_row(*row, held)
    terminal.print(table)
    for metric, record in kept.items():
        terminal.print(
            f"  {metric}: the interval held in {record.held} of {record.windows} windows; off by "
            f"{record.mean_error:.3g} on average, of {record.mean_truth:.3g}",
            highlight=False,
        )


def _shown(figure: Figure | None) -> tuple[str, str]:
    if figure is None:
        return "undefined", ""
    if figure.low is None or figure.high is None:
        return f"{figure.value:.4g}", "too little to say"
    return f"{figure.value:.4g}", f"{figure.low:.4g} to {figure.high:.4g}"


def _worst_slice(detail: QualityDetail, name: FigureName) -> str:
    found = [
        (figure.value, f"{one}={value}")
        for one, values in detail.slices.items()
        for value, figures in values.items()
        if (figure := figures.of(name)) is not None
    ]
    if not found:
        return ""
    value, where = min(found) if name in MORE_IS_BETTER else max(found)
    return escape(f"{where} {value:.4g}")


def _remarks(detail: QualityDetail) -> list[str]:
    labels, estimate = detail.labels, detail.estimate
    told = [
        f"labels: {labels.late:,} came late, {labels.corrected:,} were corrected, {labels.by_people:,} are people's"
    ]
    told += [
        f"too few labels by {escape(name)}: {escape(', '.join(f'{value} ({rows})' for value, rows in values.items()))}"
        for name, values in detail.thin.items()
        if values
    ]
    if estimate is not None:
        learned = (
            f"learned from {estimate.calibrated_on:,} earlier labels"
            if estimate.calibrated_on
            else "too few earlier labels to know what scores mean, so they were taken at their word: no proof"
        )
        told.append(f"estimate: {learned}. {estimate.blind_to}")
    return told
