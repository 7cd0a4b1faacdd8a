"""`holdfast review`: answers that wait for a person, one at a time, and what people said."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from console.audit import Attempt, acting
from console.models import require_known
from console.overrides import NameOption, acting_name
from console.review_page import print_figures, print_review, print_table
from lifecycle.errors import InvalidInput, NotFound
from lifecycle.people import Override, Person, require_permission
from lifecycle.review import Reviewed
from lifecycle.review_policy import reviewable_by
from lifecycle.tenants import Role
from stores.clock import ReplayClock
from stores.ledger.answering import Answered, Answering
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.ledger.review_figures import review_figures
from stores.ledger.reviews import Reviews
from stores.policies import load_policy, policy_models
from stores.settings import settings

app = typer.Typer(help="Answers that wait for a person, and what people said.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ModelOption = Annotated[str | None, typer.Option(help="Only this model's.")]
IdArgument = Annotated[str, typer.Argument(help="The prediction's id, as `holdfast review next` shows it.")]
LABELS = {"0": 0, "1": 1}


@app.command("next")
def take_next(
    model: ModelOption = None,
    name: NameOption = None,
    as_json: AsJson = False,  # noqa: FBT002 - a flag
) -> None:
    """Take the answer that is due first: for some minutes nobody else gets it."""
    config = settings()
    models = policy_models(config.policies)
    if model is not None and model not in models:
        raise NotFound(f"no model {model!r}; models here: {', '.join(models) or 'none'}. Name one of them.")
    policies = {one: load_policy(config.policies, one) for one in models if model in (None, one)}
    who, minutes = reviewable_by(policies, _permitted(acting_name(name)))
    taken = Answering(open_ledger(config.ledger_address)).claim(who, datetime.now(UTC), minutes)
    if as_json:
        typer.echo(json.dumps(None if taken is None else shown(taken), default=str, indent=2))
    elif taken is None:
        Console().print("Nothing waits for you.")
    else:
        print_review(taken, Console())


@app.command()
def answer(
    prediction_id: IdArgument,
    label: Annotated[str, typer.Argument(help="How it is: 0 or 1.")],
    because: Annotated[str, typer.Option(help="How you know; kept with the answer.")],
    *,
    name: NameOption = None,
    overrule: Annotated[bool, typer.Option(help="Put this in the place of another person's word.")] = False,
) -> None:
    """Say how it is: the caller sees it, it counts as the outcome, and versions learn from it."""
    if label not in LABELS:
        raise InvalidInput(f"the answer is {label!r}; allowed: 0 or 1")
    config = settings()
    engine = open_ledger(config.ledger_address)
    policy = load_policy(config.policies, Reviews(engine).get(prediction_id).model)
    at = ReplayClock(Progress(engine)).now()
    with acting(Attempt("review", prediction_id, f"{label}: {because}"), name, Role.REVIEW, config) as actor:
        who = _permitted(actor.name)(policy.people)
        said = Answered(prediction_id, LABELS[label], who, because, at, overrule=overrule)
        review, given = Answering(engine).answer(said, datetime.now(UTC))
    typer.echo(
        f"{review.prediction_id} of {review.model} is {review.answer}, by {review.answered_by}; label of "
        f"{given.example_id}, revision {given.revision}"
    )


@app.command("list")
def list_reviews(
    model: ModelOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many at most.", min=1)] = 20,
    *,
    every: Annotated[bool, typer.Option("--all", help="Answered ones as well, newest first.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what waits, due first coming first; with --all also what people said."""
    kept = Reviews(open_ledger(settings().ledger_address))
    found = kept.all(model, limit) if every else kept.open(model, limit)
    require_known(settings().policies, model, found)
    if as_json:
        typer.echo(json.dumps([shown(one) for one in found], default=str, indent=2))
    elif found:
        print_table(found, Console())
    else:
        Console().print("Nobody was ever asked." if every else "Nothing waits for a person.")


@app.command()
def show(prediction_id: IdArgument, as_json: AsJson = False) -> None:  # noqa: FBT002 - a flag
    """Show one review: what was asked and answered, who looks at it, and what they said."""
    review = Reviews(open_ledger(settings().ledger_address)).get(prediction_id)
    if as_json:
        typer.echo(json.dumps(shown(review), default=str, indent=2))
    else:
        print_review(review, Console())


@app.command()
def summary(model: ModelOption = None, as_json: AsJson = False) -> None:  # noqa: FBT002 - a flag
    """Say what waits and for how long, and how often people agree with the model."""
    config = settings()
    engine = open_ledger(config.ledger_address)
    require_known(config.policies, model, found=None)
    now = datetime.now(UTC)
    models = policy_models(config.policies) if model is None else (model,)
    figures = {one: review_figures(engine, one, now) for one in models}
    if as_json:
        told = {
            one: [asdict(figure) | {"agreement": figure.agreement} for figure in found]
            for one, found in figures.items()
        }
        typer.echo(json.dumps(told, default=str, indent=2))
    else:
        print_figures(figures, Console())


def shown(review: Reviewed) -> dict[str, object]:
    """Return a review as JSON has it: its request as an object, and how far it has come."""
    return asdict(review) | {"request": json.loads(review.request), "state": str(review.state)}


def _permitted(name: str) -> Callable[[tuple[Person, ...]], str]:
    def permitted(people: tuple[Person, ...]) -> str:
        require_permission(people, name, Override.REVIEW)
        return name

    return permitted
