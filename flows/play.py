"""Play recorded events through the whole loop: history, training, then live traffic hour by hour.

`python -m flows.play` is what `holdfast run` starts. It drives the replay clock in the ledger; everything
else is the same flows and the same endpoint that production uses. It goes on where the last play stopped.
A model's first traffic also brings the versions of flows/challengers, which `supervise` judges as any others, and
then stretches of later months, which `watch` looks at.
"""

import argparse
import sys
from collections.abc import Sequence

from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from rich.console import Console
from rich.markup import escape

from feature_repo.definition import load_definition
from flows.challengers.cast import CAST
from flows.played import print_summary
from flows.playing.hours import Hours
from flows.playing.learning import learn
from flows.playing.live import Live
from flows.playing.plan import plan_play
from flows.playing.scene import Scene
from flows.playing.seasons import EVERY_DAY, STRETCHES, Seasons, Stretch
from flows.traffic import Traffic
from lifecycle.errors import EvidenceMissing, HoldfastError, InvalidInput
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.logs import log_to_file
from stores.policies import policy_models
from stores.settings import settings

CHOICES = {"one": STRETCHES[:1], "some": STRETCHES, "every-day": EVERY_DAY}
DAYS = 7
DAYS_WITH_CHALLENGERS = 14
"""At the most: such a play ends when every version's story is told."""


def play(
    model: str | None,
    history_days: int,
    live_days: int | None,
    terminal: Console,
    *,
    challengers: bool = True,
    stretches: Sequence[Stretch] = STRETCHES,
) -> None:
    """Play one model's replay on the running stack and print what came of it.

    Without `live_days` it is a week, or, with challengers, as long as their stories take. After a first play with
    challengers come `stretches` of later months. Raises EvidenceMissing when a
    request got no prediction.
    """
    config = settings()
    log_to_file(config.run / "play.log")
    known = policy_models(config.policies)
    if model is None and len(known) != 1:
        raise InvalidInput(f"there are policies for {', '.join(known) or 'no model'}; choose one with --model")
    engine = open_ledger(config.ledger_address)
    definition = load_definition(model or known[0])
    replayed = Progress(engine).replay_at()
    first = plan_play(definition, replayed, history_days, 0).first
    cast = CAST if challengers and first and live_days != 0 else ()
    days = (DAYS_WITH_CHALLENGERS if cast else DAYS) if live_days is None else live_days
    planned = plan_play(definition, replayed, history_days, days)
    scene = Scene(planned, config, engine, terminal)
    terminal.print(
        f"[bold]Playing {definition.name}[/bold]: learning up to {planned.history_end:%Y-%m-%d}, "
        f"then traffic up to {planned.live_end:%Y-%m-%d}"
        + (f", with {len(cast)} new versions on trial" if cast else "")
    )
    learn(scene)
    with Traffic(config.http_address, definition.contract) as traffic:
        Live(scene, cast, traffic).play()
        if cast:
            Seasons(scene, Hours(scene, traffic, recorded=0), stretches).play()
    tally = traffic.tally
    print_summary(definition, config, engine, tally, terminal)
    if tally.failures:
        raise EvidenceMissing(f"{len(tally.failures)} requests got no prediction; the first said {tally.failures[0]}")


def main() -> None:
    """Read the options and play; an error of ours is one readable line and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m flows.play", description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--history-days", type=int, default=90)
    parser.add_argument("--live-days", type=int)
    parser.add_argument("--no-challengers", action="store_true")
    parser.add_argument("--stretches", choices=tuple(CHOICES), default="some")
    options = parser.parse_args()
    try:
        # Hundreds of short flow runs would each wait a second for their heartbeat thread to end.
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            play(
                options.model,
                options.history_days,
                options.live_days,
                Console(),
                challengers=not options.no_challengers,
                stretches=CHOICES[options.stretches],
            )
    except HoldfastError as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}[/red]: {escape(str(error))}", highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
