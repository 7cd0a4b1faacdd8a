"""Review: enter into the queue what the log asks people, and call somebody for what nobody answered in time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from prefect import flow

from flows.paging import page_and_wait
from flows.reviewing.escalating import escalate_overdue
from flows.reviewing.taking_in import take_in
from flows.turns import take_turns
from lifecycle.policy import Policy
from stores.clock import ReplayClock
from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.ledger.reviews import Reviews
from stores.policies import load_policy, policy_models
from stores.settings import settings

log = structlog.get_logger()


@dataclass(frozen=True)
class ReviewRound:
    """What one round did: answers that the log asks about since the last one, and decisions that called people.

    Of those answers nobody is asked about `not_entered`, because as many wait as the policy lets wait.
    """

    asked: int
    not_entered: int
    called: tuple[str, ...]


@flow(name="review")
def review() -> ReviewRound:
    """Enter what gateways did not enter themselves, and escalate what is overdue, for every model that has a policy.

    Doing it twice enters nothing twice and calls nobody twice. Raises, after every model had its turn, what kept one
    from being escalated, and Conflict while another run is at it.
    """
    config = settings()
    engine = open_ledger(config.ledger_address)
    now = datetime.now(UTC)
    clock = ReplayClock(Progress(engine))
    with Leases(engine).hold("review"):
        policies: Mapping[str, Policy] = {
            name: load_policy(config.policies, name) for name in policy_models(config.policies)
        }
        taken = take_in(config.prediction_log, Reviews(engine), policies.get, now)
        called = take_turns(
            policies, lambda name: escalate_overdue(engine, policies[name], page_and_wait, now, clock.now())
        )
    done = ReviewRound(taken.asked, taken.not_entered, tuple(name for names in called for name in names))
    log.info("reviews_taken_in", asked=done.asked, not_entered=done.not_entered, called=done.called)
    return done
