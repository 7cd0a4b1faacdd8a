"""Backtest: what another policy's rules would have decided on what was recorded, beside what was decided.

`python -m flows.backtest` is what `holdfast policy backtest` starts. It changes nothing.
"""

import argparse
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from sqlalchemy import Engine

from feature_repo.definition import ModelDefinition, load_definition
from flows.backtesting.looks import looks_at
from flows.backtesting.table import as_json, print_tried
from flows.backtesting.trials import RecordedTrial, recorded_decision, recorded_trials
from flows.backtesting.trying import Decide, Tried, Trying, try_trial
from flows.moments import require_zone
from flows.supervision.sources import Sources
from lifecycle.errors import HoldfastError, InvalidInput
from lifecycle.policy import Policy
from lifecycle.rollout import decide_rollout
from lifecycle.verdict import Decision
from stores.events import EventStore
from stores.ledger.arms import Arms
from stores.ledger.decisions import Decisions
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.policies import read_policy
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings, settings


def backtest(
    policy: Policy,
    since: datetime,
    every: timedelta,
    config: Settings,
    engine: Engine,
    *,
    definition: ModelDefinition | None = None,
    decide: Decide = decide_rollout,
) -> tuple[Tried, ...]:
    """Return what a policy would have decided about each trial of its model that stood at or after `since`.

    Raises InvalidInput for a time without a zone, NotFound for a model without a definition.
    """
    require_zone(since)
    log = PredictionLog(config.prediction_log)
    known = definition or load_definition(policy.model)
    sources = Sources(known, log, EventStore(config.events), Arms(engine), since)
    decisions = Decisions(engine).of(policy.model, limit=None)

    def act(trial: RecordedTrial, recorded: Decision | None) -> Tried:
        decided = () if recorded is None else (recorded.decided_at,)
        looks = looks_at(log, trial, since, every, decided)
        return try_trial(trial, recorded, looks, Trying(policy, sources, decide))

    trials = recorded_trials(Plans(engine).history(policy.model), since)
    return tuple(act(trial, recorded_decision(trial, decisions)) for trial in trials)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"--since is {text!r}; allowed: ISO 8601 with a zone, as 2013-04-01T00:00:00Z") from error


def main() -> None:
    """Read the options, print what would have been; an error of ours is one readable line and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m flows.backtest", description=__doc__)
    parser.add_argument("--policy", type=Path, required=True)
    parser.add_argument("--since", required=True)
    parser.add_argument("--every-minutes", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        config = settings()
        every = timedelta(minutes=options.every_minutes)
        if every <= timedelta():
            raise InvalidInput(f"--every-minutes is {options.every_minutes:g}; allowed: above 0")
        engine = open_ledger(config.ledger_address)
        found = backtest(read_policy(options.policy), _moment(options.since), every, config, engine)
    except HoldfastError as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}[/red]: {escape(str(error))}", highlight=False)
        sys.exit(1)
    if options.json:
        sys.stdout.write(json.dumps(as_json(found), indent=2) + "\n")
    else:
        print_tried(found, Console())


if __name__ == "__main__":
    main()
