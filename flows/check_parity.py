"""Check parity: features of really served requests, computed again from stored events and compared."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import structlog
from prefect import flow
from sqlalchemy import Engine

from feature_repo.definition import ModelDefinition, load_definition
from feature_repo.feast_store import open_feature_store
from flows.editions import edition_of_version
from flows.moments import require_zone
from flows.paging import page_and_wait
from flows.parity.comparing import compare
from flows.parity.sample import sample_served
from flows.turns import take_turns
from flows.watching.telling import tell_of_alarms
from lifecycle.alarms import AlarmKind
from lifecycle.errors import InvalidInput
from lifecycle.parity import RULE, Compared, decide_parity, parity_concerns
from lifecycle.policy import Policy
from lifecycle.verdict import Finding, Verdict, worst
from stores.clock import ReplayClock
from stores.ledger.alarms import Alarms
from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.policies import load_policy, policy_models
from stores.prediction_log.table import PredictionLog
from stores.settings import Settings, settings

ACTOR = "flow:check_parity"
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
PARITY = frozenset({AlarmKind.PARITY})

Tell = Callable[[Engine, Policy, datetime], object]
log = structlog.get_logger()


@dataclass(frozen=True)
class Checked:
    """What a check of one model found over the prediction moments in (since_at, until_at]."""

    model: str
    since_at: datetime
    until_at: datetime
    verdict: Verdict
    findings: tuple[Finding, ...]
    compared: Compared


@flow(name="check_parity")
def check_parity(
    model: str | None = None, since: datetime | None = None, until: datetime | None = None
) -> tuple[Checked, ...]:
    """Compare a sample of what was served since the last check with what stored events say, and call people.

    By default for every model that has a policy, up to where feature rows are built. A check of too few rows leaves
    them to the next one. What differs becomes an alarm of the champion's, told once; a later check that no longer finds
    it closes it. Raises, after every model had its turn, InvalidInput for a time without a zone and for a window that
    ends before it starts, Conflict while another run is at it.
    """
    config = settings()
    engine = open_ledger(config.ledger_address)
    require_zone(since, until)

    def act(name: str) -> Checked:
        with Leases(engine).hold(f"parity:{name}"):
            return check_model(load_definition(name), config, engine, since=since, until=until)

    return take_turns(policy_models(config.policies) if model is None else (model,), act)


def tell_of_parity(engine: Engine, policy: Policy, now: datetime) -> None:
    """Tell of the parity alarms that nobody was told of; all other kinds are the watch's to tell."""
    tell_of_alarms(engine, policy, now, page_and_wait, _no_training, kinds=PARITY, actor=ACTOR)


def check_model(
    definition: ModelDefinition,
    config: Settings,
    engine: Engine,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    tell: Tell = tell_of_parity,
) -> Checked:
    """Check one model, store what follows for its alarms, and return what was found.

    What is compared are the answers by the champion's contract.
    """
    definition = edition_of_version(engine, definition, Plans(engine).current(definition.name).champion)
    progress, policy = Progress(engine), load_policy(config.policies, definition.name)
    now, mark = ReplayClock(progress).now(), f"parity:{definition.name}"
    first, last = _window(progress, definition.name, mark, now)
    start, end = since or first, until or last
    if start > end and (since or until):
        raise InvalidInput(f"the window ends at {end}, before it starts at {start}")
    rules = policy.watching.parity
    rng = np.random.default_rng(_seed(definition.name, start, end))
    rows = sample_served(PredictionLog(config.prediction_log), definition, (start, end), rules.sample_rows, rng)
    store = open_feature_store(definition, config.features, config.online_store)
    compared = compare(store, definition, rows, rules.relative_tolerance)
    findings = decide_parity(rules, compared)
    checked = Checked(definition.name, start, end, worst(findings), findings, compared)
    if checked.verdict is not Verdict.INCONCLUSIVE:
        # A window of the past says what was wrong then; only the newest says that it no longer is.
        newest = since is None and until is None
        _settle(engine, checked, PARITY if newest else frozenset(), now)
        if newest:
            progress.advance(mark, end)
    tell(engine, policy, now)
    whole = next(finding for finding in findings if finding.rule_id == RULE)
    log.info("parity_checked", model=definition.name, verdict=str(checked.verdict), reason=whole.reason)
    return checked


def _window(progress: Progress, model: str, mark: str, now: datetime) -> tuple[datetime, datetime]:
    """Return from where the last check ended to where the feature rows are whole."""
    start = progress.watermark(mark) or BEGINNING
    built = progress.watermark(f"materialize:{model}") or start
    return start, max(start, min(now, built))


def _settle(engine: Engine, checked: Checked, judged: frozenset[AlarmKind], now: datetime) -> None:
    champion = Plans(engine).current(checked.model).champion
    if champion is None:
        # What was named outside any plan has nobody to be an alarm of.
        return
    concerns = parity_concerns(checked.compared, checked.findings)
    Alarms(engine).apply(checked.model, champion, judged=judged, concerns=concerns, now=now)


def _seed(model: str, start: datetime, end: datetime) -> int:
    """Return a number that is the same for the same window, so that a check can be repeated row by row."""
    said = f"{model}/{start.isoformat()}/{end.isoformat()}"
    return int.from_bytes(hashlib.sha256(said.encode()).digest()[:8], "big")


def _no_training(model: str, cause: str, reason: str, key: str) -> None:
    raise InvalidInput(f"parity asks for no training, but {key} of {model} ({cause}) wants one: {reason}")
