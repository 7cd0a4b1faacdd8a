"""Reviews of one gateway put together: the intake behind the log, and the calls."""

from collections.abc import Callable, Mapping

from sqlalchemy import Engine

from lifecycle.errors import HoldfastError
from lifecycle.policy import Policy
from serving.reviewing.api import ReviewApi
from serving.reviewing.intake import Intake
from stores.clock import ReplayClock, SystemClock
from stores.ledger.answering import Answering
from stores.ledger.progress import Progress
from stores.ledger.reviews import Reviews

PolicyOf = Callable[[str], Policy]


def open_intake(engine: Engine, policy_of: PolicyOf) -> Intake:
    """Return the intake, not started yet."""

    def known(model: str) -> Policy | None:
        return _followed([model], policy_of).get(model)

    return Intake(Reviews(engine), known, SystemClock().now)


def open_review_api(engine: Engine, models: Callable[[], list[str]], policy_of: PolicyOf) -> ReviewApi:
    """Return the calls for the models that are served."""
    return ReviewApi(
        Reviews(engine),
        Answering(engine),
        lambda: _followed(models(), policy_of),
        ReplayClock(Progress(engine)).now,
        SystemClock().now,
    )


def _followed(models: list[str], policy_of: PolicyOf) -> Mapping[str, Policy]:
    found: dict[str, Policy] = {}
    for model in models:
        try:
            found[model] = policy_of(model)
        except HoldfastError:
            # A policy that never was valid has served nothing that could be reviewed.
            continue
    return found
