"""Reviews on a terminal: one in full, many in a table, and the figures of all."""

import json
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lifecycle.review import Reviewed
from stores.ledger.review_figures import ReviewFigures

MINUTE = "%Y-%m-%d %H:%M"
SECONDS_PER_HOUR = 3600.0


def print_review(review: Reviewed, terminal: Console) -> None:
    """Print one review: the question, the model's answer, and the person's."""
    terminal.print(
        f"[bold]{escape(review.prediction_id)}[/bold]  {escape(review.model)} version {escape(review.version)}"
    )
    for name, value in json.loads(review.request).items():
        terminal.print(f"  {escape(name)}: {escape(str(value))}", highlight=False)
    by = "" if review.decided_by is None else f" (decided by {review.decided_by})"
    lines = [
        f"example {review.example_id}",
        f"the model says {review.decision}, probability {review.score:.4f}{by}",
        f"{review.kind}, {review.state}; served {review.served_at:{MINUTE}}, due {review.due_at:{MINUTE}}",
    ]
    if review.answered_at is not None:
        lines.append(f"{review.answered_by} said {review.answer} at {review.answered_at:{MINUTE}}: {review.because}")
    elif review.claimed_by is not None and review.claimed_until is not None:
        lines.append(f"{review.claimed_by} looks at it until {review.claimed_until:{MINUTE}}")
    for line in lines:
        terminal.print(f"  {escape(line)}", highlight=False, soft_wrap=True)
    if review.answered_at is None:
        terminal.print(
            f"holdfast review answer {escape(review.prediction_id)} 0|1 --because '…'", highlight=False, soft_wrap=True
        )


def print_table(found: Sequence[Reviewed], terminal: Console) -> None:
    """Print one line per review; `holdfast review show` and `--json` have the rest."""
    table = Table("prediction", "asked", "says", "due", "state", box=None)
    for one in found:
        said = f"{one.answer} by {one.answered_by}" if one.answered_at is not None else str(one.state)
        row = (one.prediction_id, f"{one.model} {one.kind}", f"{one.decision} {one.score:.3f}")
        table.add_row(*map(escape, row), f"{one.due_at:{MINUTE}}", escape(said))
    terminal.print(table)


def print_figures(figures: Mapping[str, Sequence[ReviewFigures]], terminal: Console) -> None:
    """Print what waits of each model and kind, and how often people agreed, a sentence each."""
    for model, found in figures.items():
        for one in found:
            oldest = (
                ""
                if one.oldest_seconds is None
                else f", the oldest for {one.oldest_seconds / SECONDS_PER_HOUR:.1f} hours"
            )
            agreed = "" if one.agreement is None else f", and people agree with {one.agreement:.1%} of {one.judged:,}"
            beyond = f"; nobody was asked about {one.not_entered:,}, as the queue was full" if one.not_entered else ""
            told = f"{model} {one.kind}: {one.open:,} wait{oldest}, {one.overdue:,} overdue"
            terminal.print(
                escape(f"{told}; {one.answered:,} answered{agreed}{beyond}"), highlight=False, soft_wrap=True
            )
