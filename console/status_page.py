"""The status as a person reads it."""

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from console.scaling import scaling_line
from console.status import ModelStatus, ReplicaStatus, Status


def print_status(found: Status, terminal: Console) -> None:
    """Print the programs and, for each model, who serves, who is on trial and what waits for a person."""
    terminal.print(f"State folder {found.home}")
    if found.replayed_at:
        terminal.print(f"Replaying; it is {found.replayed_at:%Y-%m-%d %H:%M} UTC there")
    programs = Table("program", "running", "address", "MB", title="Programs", title_justify="left")
    for program in found.programs:
        running_mark = "[green]yes[/green]" if program.running else "[red]no[/red]"
        programs.add_row(program.name, running_mark, program.address, str(program.memory_mb))
    terminal.print(programs if found.programs else "Nothing was started; `make run` starts everything.")
    if found.scaling is not None:
        terminal.print(scaling_line(found.scaling), highlight=False)
    for model in found.models:
        for line in _model_lines(model):
            terminal.print(line, highlight=False)


def _model_lines(model: ModelStatus) -> Iterator[str]:
    since = f"since {model.since:%Y-%m-%d %H:%M:%S} UTC" if model.since else ""
    yield (
        f"[bold]{escape(model.model)}[/bold]: champion version {model.champion}, plan revision {model.plan_revision} "
        f"{since}, served by {model.replicas_ready} of {model.replicas} replicas; "
        f"events until {model.ingested_until}, features until {model.features_until}, "
        f"rules judged until {model.judged_until}"
    )
    if model.previous:
        yield f"  way back: version {escape(model.previous)}"
    yield from _trial_lines(model)
    if model.held is not None:
        yield from _held_lines(model)
    for replica in model.gateway:
        yield from _replica_lines(replica, model.plan_revision)


def _trial_lines(model: ModelStatus) -> Iterator[str]:
    if model.canary is not None:
        canary = model.canary
        yield (
            f"  canary: version {escape(canary.version)} ({canary.stage}), step {canary.step}, answers "
            f"{canary.share:.1%} of the units since {canary.since:%Y-%m-%d %H:%M} UTC"
        )
    if model.shadow is not None:
        shadow = model.shadow
        yield (
            f"  shadow: version {escape(shadow.version)} ({shadow.stage}) since {shadow.since:%Y-%m-%d %H:%M} UTC; "
            f"{shadow.mirrored} rows mirrored, {shadow.dropped} dropped, {shadow.answered} answered, "
            f"{shadow.failed} failed since the replicas that run now began"
        )
        yield from (f"    [red]{escape(trouble)}[/red]" for trouble in shadow.trouble)


def _held_lines(model: ModelStatus) -> Iterator[str]:
    name = escape(model.model)
    kind = "pinned; the champion stays and nothing advances" if model.pinned else "held; nothing advances"
    yield f"  [yellow]{kind}[/yellow] until a person says so: {escape(str(model.held))}"
    words = ["resume", *(["promote"] if (model.canary or model.shadow) and not model.pinned else [])]
    words += ["rollback"] if model.canary or model.previous else []
    yield "    a person may say: " + ", ".join(f"`holdfast {word} {name} --reason …`" for word in words)


def _replica_lines(replica: ReplicaStatus, revision: int) -> Iterator[str]:
    if not replica.ready or replica.plan_revision != revision:
        yield (
            f"  [yellow]replica {escape(replica.replica)}[/yellow] serves plan revision {replica.plan_revision}, "
            f"{'ready' if replica.ready else 'not ready'}{': ' if replica.detail else ''}{escape(replica.detail)}"
        )
    for version, why in replica.left_out.items():
        yield f"  [red]version {escape(version)} does not stand on {escape(replica.replica)}[/red]: {escape(why)}"
