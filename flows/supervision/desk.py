"""What supervise keeps of one model from tick to tick; the ledger holds everything that counts."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog
from sqlalchemy import Engine

from feature_repo.definition import ModelDefinition, load_definition
from feature_repo.fit import require_fit
from flows.supervision.sources import Sources
from flows.supervision.verification import Verification
from lifecycle.errors import HoldfastError
from lifecycle.evidence import Evidence
from lifecycle.outcome import Outcome
from lifecycle.plan import TrafficPlan
from lifecycle.policy import Policy
from lifecycle.verdict import Decision
from stores.clock import ReplayClock
from stores.events import EventStore
from stores.ledger.arms import Arms
from stores.ledger.progress import Progress
from stores.policies import load_policy
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings

Decide = Callable[[TrafficPlan, Policy, Evidence, datetime], Outcome]
Page = Callable[[Decision], None]
log = structlog.get_logger()


@dataclass
class Desk:
    """One model's stores and rules. `page` is called for each decision that a person must see, once."""

    model: str
    config: Settings
    engine: Engine
    decide: Decide
    page: Page
    sources: Sources
    verification: Verification = field(default_factory=Verification)
    _policy: tuple[int, Policy] | None = None

    def policy(self) -> Policy:
        """Return the policy as it is written now; a changed one counts from the next tick.

        While its file cannot be followed, the last valid one stands, as it does in the gateways: a slip of the pen must
        not end the watch over what serves. Raises what is wrong with a file that never was valid.
        """
        path = self.config.policies / f"{self.model}.yaml"
        written = path.stat().st_mtime_ns if path.exists() else 0
        if self._policy is None or self._policy[0] != written:
            # Reading it takes longer than most looks.
            self._policy = (written, self._read())
        return self._policy[1]

    def _read(self) -> Policy:
        try:
            policy = load_policy(self.config.policies, self.model)
            require_fit(policy, self.sources.definition)
        except HoldfastError as error:
            if self._policy is None:
                raise
            kept = self._policy[1]
            log.warning("policy_not_followed", model=self.model, error=str(error), kept=kept.revision())
            return kept
        return policy

    def now(self) -> datetime:
        """Return the clock's now, which a replay sets."""
        return ReplayClock(Progress(self.engine)).now()

    def looked_at(self, now: datetime) -> Sources:
        """Return the sources as of a moment."""
        self.sources = replace(self.sources, now=now)
        return self.sources


def open_desk(
    model: str,
    config: Settings,
    engine: Engine,
    decide: Decide,
    page: Page,
    *,
    definition: ModelDefinition | None = None,
) -> Desk:
    """Return the desk of a model; raises NotFound for one that has no definition."""
    clock = ReplayClock(Progress(engine))
    sources = Sources(
        definition or load_definition(model),
        PredictionLog(config.prediction_log),
        EventStore(config.events),
        Arms(engine),
        clock.now(),
    )
    return Desk(model, config, engine, decide, page, sources)
