"""Watch: look at what serves, say what moved, what is missing and what got worse, and act by the policy."""

import structlog
from prefect import flow

from feature_repo.definition import load_definition
from flows.paging import page_and_wait
from flows.retraining.asking import ask_for_retraining
from flows.turns import take_turns
from flows.watching.looking import look_at
from flows.watching.watcher import Watcher
from lifecycle.errors import EvidenceMissing
from lifecycle.look import Look
from lifecycle.training import Cause
from stores.clock import ReplayClock
from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.policies import load_policy, policy_models
from stores.settings import settings

log = structlog.get_logger()


@flow(name="watch")
def watch(model: str | None = None) -> tuple[Look, ...]:
    """Look once at the champion of one model, or of every model that has a policy, and return the looks.

    A model that nothing serves is passed over. Killed at any point and started again, it opens no alarm and calls
    nobody twice. Raises, after every model had its turn, what kept a look from being made, and Conflict while another
    run is at it.
    """
    config = settings()
    engine = open_ledger(config.ledger_address)

    def act(name: str) -> Look | None:
        with Leases(engine).hold(f"watch:{name}"):
            watcher = Watcher(
                definition=load_definition(name),
                policy=load_policy(config.policies, name),
                config=config,
                engine=engine,
                clock=ReplayClock(Progress(engine)),
                page=page_and_wait,
                ask_for_training=_ask,
            )
            try:
                return look_at(watcher).look
            except EvidenceMissing as error:
                log.info("nothing_to_watch", model=name, because=str(error))
                return None

    looks = take_turns(policy_models(config.policies) if model is None else (model,), act)
    return tuple(look for look in looks if look is not None)


def _ask(model: str, cause: str, reason: str, key: str) -> None:
    ask_for_retraining(model, Cause(cause), reason, key)
