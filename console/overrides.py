"""`holdfast rollback|hold|resume|promote|pin`: what a named person may say beside the rules."""

from dataclasses import replace
from typing import Annotated, get_args

import typer
from rich.console import Console
from rich.markup import escape

from console.audit import Attempt, acting
from console.identity import OPEN, identify, named
from console.word import WAIT_SECONDS, Served, Word, apply_word, wait_served
from lifecycle.errors import InvalidInput
from lifecycle.people import Override
from lifecycle.plan import TrafficPlan
from lifecycle.rollout_policy import ArmName
from lifecycle.tenants import Role
from lifecycle.verdict import Decision
from stores.ledger.opening import connect, open_ledger
from stores.settings import settings

ModelArgument = Annotated[str, typer.Argument(help="The model, as its policy file is named.")]
ReasonOption = Annotated[str, typer.Option(help="Why; kept with the decision.")]
NameOption = Annotated[
    str | None, typer.Option("--as", help="The name to act under; else HOLDFAST_ACTOR, else the system's user.")
]


def rollback(
    model: ModelArgument,
    reason: ReasonOption,
    version: Annotated[str | None, typer.Option(help="Only this version, wherever it stands.")] = None,
    arm: Annotated[str | None, typer.Option(help="canary, shadow or champion.")] = None,
    name: NameOption = None,
) -> None:
    """Take back the canary when there is one, else put the previous champion back."""
    arms: dict[str, ArmName] = {known: known for known in get_args(ArmName)}
    if arm is not None and arm not in arms:
        raise InvalidInput(f"--arm is {arm!r}; allowed: {', '.join(arms)}")
    chosen = None if arm is None else arms[arm]
    _say(name, Word(Override.ROLL_BACK, model, "", reason, version=version, arm=chosen))


def hold(model: ModelArgument, reason: ReasonOption, name: NameOption = None) -> None:
    """Let nothing advance until a person resumes; versions on trial keep their traffic."""
    _say(name, Word(Override.HOLD, model, "", reason))


def resume(model: ModelArgument, reason: ReasonOption, name: NameOption = None) -> None:
    """End a hold or a pin: the rules act again."""
    _say(name, Word(Override.RESUME, model, "", reason))


def promote(
    model: ModelArgument,
    reason: ReasonOption,
    version: Annotated[
        str | None, typer.Option(help="The canary, the shadow, or one that answered users before.")
    ] = None,
    name: NameOption = None,
) -> None:
    """Make a version champion now: the canary, else the shadow, or a named one of these or that served before."""
    _say(name, Word(Override.PROMOTE, model, "", reason, version=version))


def pin(
    model: ModelArgument,
    reason: ReasonOption,
    version: Annotated[str | None, typer.Option(help="This one instead of today's champion; as for promote.")] = None,
    name: NameOption = None,
) -> None:
    """Keep a version champion whatever the rules find, until a person resumes or takes it back."""
    _say(name, Word(Override.PIN, model, "", reason, version=version))


def acting_name(given: str | None, needs: Role = Role.REVIEW) -> str:
    """Return the name a person acts under, as console/identity.py finds it; where keys are required, by their key."""
    places = settings()
    return (
        identify(given, needs, places, open_ledger(places.ledger_address)).name
        if places.auth != OPEN
        else named(given, places)
    )


def _say(given: str | None, word: Word) -> None:
    terminal = Console()
    places = settings()
    said = f"version {word.version}: {word.reason}" if word.version else word.reason
    attempt = Attempt(word.override.replace("_", "-"), word.model, said)
    with acting(attempt, given, Role.OPERATE, places) as actor:
        decision, plan = apply_word(replace(word, name=actor.name), places)
    _tell_decision(decision, plan, terminal)
    with terminal.status(f"Waiting for the replicas to serve plan revision {plan.revision}"):
        served = wait_served(connect(places.ledger_address), word.model, plan.revision, WAIT_SECONDS)
    _tell_served(served, terminal)


def _tell_decision(decision: Decision, plan: TrafficPlan, terminal: Console) -> None:
    terminal.print(f"[bold]{decision.action}[/bold]: {escape(decision.reason)}", highlight=False)
    terminal.print(
        f"  by {escape(decision.actor)}, plan revision {plan.revision}, decision {decision.decision_id}",
        style="dim",
        highlight=False,
    )
    if plan.held is not None:
        kind = "pinned" if plan.pinned else "held"
        terminal.print(
            f"  {escape(plan.model)} is {kind}: {escape(plan.held)}. `holdfast resume {escape(plan.model)} --reason …` "
            "lets the rules act again",
            highlight=False,
        )


def _tell_served(served: Served, terminal: Console) -> None:
    if not served.serving and not served.behind:
        terminal.print(
            f"No gateway replica reports: plan revision {served.revision} is stored, and nobody serves it yet",
            style="yellow",
        )
        return
    if served.serving:
        terminal.print(f"Served by {', '.join(map(escape, served.serving))}", highlight=False)
    if served.behind:
        terminal.print(
            f"NOT YET served by {', '.join(map(escape, served.behind))}; `holdfast status` shows when it is",
            style="yellow",
            highlight=False,
        )
