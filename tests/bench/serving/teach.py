"""Teach a fresh state folder: the play's own history of events, features and training, without any traffic."""

import logging

import structlog
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from rich.console import Console

from feature_repo.definition import load_definition
from flows.playing.learning import learn
from flows.playing.plan import plan_play
from flows.playing.scene import Scene
from stores.ledger.opening import open_ledger
from stores.settings import settings
from tests.bench.serving.home import HISTORY_DAYS, MODEL


def main() -> None:
    """Play the history of the model into HOLDFAST_HOME until it has a champion."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    planned = plan_play(load_definition(MODEL), None, HISTORY_DAYS, 0)
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        learn(Scene(planned, settings(), open_ledger(settings().ledger_address), Console()))


if __name__ == "__main__":
    main()
