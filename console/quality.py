"""`holdfast quality`: how good each version's answers turned out, how sure that is, and what an estimate had said."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from console.models import require_known
from console.quality_page import print_quality, print_record
from lifecycle.measuring.record import apart, kept_record
from lifecycle.quality import Quality
from stores.ledger.opening import open_ledger
from stores.ledger.quality import QualityRecords
from stores.settings import settings


def quality(
    *,
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    record: Annotated[bool, typer.Option("--record", help="How the estimates did, once the truth was known.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show the newest figures of each version with their intervals, its worst slices, and the estimate beside them."""
    records = QualityRecords(open_ledger(settings().ledger_address))
    measured = {
        (name, version): records.of_version(name, version)
        for name in ((model,) if model else records.models())
        for version in records.versions(name)
    }
    require_known(settings().policies, model, measured)
    if as_json:
        shown = [_record_json(found) if record else _json(found[0]) for found in measured.values()]
        typer.echo(json.dumps(shown, default=str, indent=2))
        return
    terminal = Console()
    for found in measured.values():
        if record:
            print_record(found[0], apart(found), kept_record(found), terminal)
        else:
            print_quality(found[0], terminal)
    if not measured:
        terminal.print("Nothing was measured yet; the flow measure does it once answers are logged.")


def _json(measured: Quality) -> dict[str, object]:
    detail = None if measured.detail is None else measured.detail.model_dump(mode="json")
    return asdict(measured) | {"metrics": measured.metrics.model_dump(), "detail": detail}


def _record_json(found: tuple[Quality, ...]) -> dict[str, object]:
    windows = apart(found)
    return {
        "model": found[0].model,
        "version": found[0].version,
        "record": {name: asdict(kept) for name, kept in kept_record(found).items()},
        "windows": [
            {
                "since_at": one.since_at,
                "until_at": one.until_at,
                "labelled": one.labelled,
                "metrics": {
                    name: beside.model_dump() for name, beside in ((one.detail and one.detail.record) or {}).items()
                },
            }
            for one in windows
        ],
    }
