"""`holdfast labels`: what people know of outcomes, one by one or from a file."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from console.audit import Attempt, acting
from console.label_file import read_words
from lifecycle.errors import InvalidInput, NotFound
from lifecycle.tenants import Role
from stores.clock import ReplayClock
from stores.ledger.labels import PeoplesLabels, PersonsLabel, Word
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.policies import policy_models
from stores.prediction_log.table import PredictionLog
from stores.settings import settings

app = typer.Typer(help="Outcomes that people know; the latest word about an example stands.", no_args_is_help=True)

NameOption = Annotated[
    str | None, typer.Option("--as", help="The name to act under; else HOLDFAST_ACTOR, else the system's user.")
]
ReasonOption = Annotated[str, typer.Option(help="How you know; kept with the label.")]
LABELS = {"0": 0, "1": 1}


@app.command()
def give(
    model: Annotated[str, typer.Argument(help="The model, as its policy file is named.")],
    example_id: Annotated[str, typer.Argument(help="As `holdfast log tail` shows it.")],
    label: Annotated[str, typer.Argument(help="0 or 1.")],
    reason: ReasonOption,
    name: NameOption = None,
) -> None:
    """Say how one example turned out; it counts from now on wherever outcomes do."""
    if label not in LABELS:
        raise InvalidInput(f"the label is {label!r}; allowed: 0 or 1")
    words = [Word(example_id, LABELS[label])]
    (given,) = _give(model, words, reason, name)
    typer.echo(f"{given.example_id} of {model} is {given.label}, by {given.who} (revision {given.revision})")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet with the columns example_id and label.")],
    model: Annotated[str, typer.Option(help="The model, as its policy file is named.")],
    reason: ReasonOption,
    name: NameOption = None,
) -> None:
    """Say how many examples turned out, all or none: every row that cannot be taken is told with its line."""
    known = _examples(_known_model(model))
    given = _give(model, read_words(file, known), reason, name, known)
    typer.echo(f"{len(given):,} labels of {model} from {file} stand, by {given[0].who}")


@app.command("list")
def list_labels(
    model: Annotated[str | None, typer.Option(help="Only this model's.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many of each model.", min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """List what people said, newest first, with every revision: who, why and when."""
    kept = PeoplesLabels(open_ledger(settings().ledger_address))
    models = kept.models() if model is None else (_known_model(model),)
    found = [label for one in models for label in kept.all(one, limit)]
    if as_json:
        typer.echo(json.dumps([asdict(label) for label in found], default=str, indent=2))
    elif found:
        Console().print(_table(found))
    else:
        Console().print("Nobody has labelled anything yet.")


def _give(
    model: str, words: Sequence[Word], reason: str, name: str | None, known: Collection[str] | None = None
) -> tuple[PersonsLabel, ...]:
    examples = _examples(_known_model(model)) if known is None else known
    for word in words:
        if word.example_id not in examples:
            raise NotFound(
                f"{model} never answered an example {word.example_id!r}; `holdfast log tail --json` shows the ids"
            )
    engine = open_ledger(settings().ledger_address)
    at = ReplayClock(Progress(engine)).now()
    attempt = Attempt("label", model, f"{len(words)} labels: {reason}")
    with acting(attempt, name, Role.REVIEW, settings()) as actor:
        return PeoplesLabels(engine).give_all(model, words, source="person", who=actor.name, reason=reason, at=at)


def _known_model(model: str) -> str:
    known = policy_models(settings().policies)
    if model not in known:
        raise InvalidInput(f"there is no policy for {model!r}; there are those for {', '.join(known) or 'no model'}")
    return model


def _examples(model: str) -> frozenset[str]:
    """Return the examples that a model ever answered, those of the last seconds too."""
    answered = PredictionLog(settings().prediction_log).since(model, 0, ["example_id"])
    return frozenset(answered["example_id"].drop_null().to_pylist())


def _table(found: Sequence[PersonsLabel]) -> Table:
    table = Table("model", "example", "label", "known at", "by", "why", title=f"{len(found)} labels")
    for one in found:
        by = f"{one.who} ({one.source}, revision {one.revision})"
        row = (one.model, one.example_id, str(one.label), f"{one.known_at:%Y-%m-%d %H:%M}", by, one.reason)
        table.add_row(*map(escape, row))
    return table
