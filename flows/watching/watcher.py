"""Whose champion is looked at, by which rules, and whom a look may call."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from feature_repo.definition import ModelDefinition
from flows.watching.telling import AskForTraining
from lifecycle.policy import Policy
from lifecycle.verdict import Decision
from stores.clock import Clock
from stores.settings import Settings


@dataclass(frozen=True)
class Watcher:
    """One model's stores and rules, and whom a look may call."""

    definition: ModelDefinition
    policy: Policy
    config: Settings
    engine: Engine
    clock: Clock
    page: Callable[[Decision], None]
    ask_for_training: AskForTraining
