"""What people see in MLflow of where versions stand: tags and aliases that follow the ledger."""

from collections.abc import Mapping

import structlog

from lifecycle.admission import told_in_line
from lifecycle.errors import HoldfastError, NotFound, Unavailable
from lifecycle.plan import TrafficPlan
from stores.ledger.standings import Standing, in_line
from stores.registry import Registry

STAGE, REASON = "stage", "stage_reason"
LONGEST_TAG = 4000
log = structlog.get_logger()


def mirror_standings(registry: Registry, plan: TrafficPlan, standings: Mapping[str, Standing]) -> None:
    """Bring the tags `stage` and `stage_reason` and the aliases champion, canary and shadow up to date.

    A version that waits for shadow reads its place in the line.

    Writes only what differs, so it may be called as often as one likes. The ledger holds the truth: a registry that is
    away is left behind with a warning, and catches up with the next call.
    """
    waiting = told_in_line(plan, in_line(standings))
    try:
        for one in registry.listed(plan.model):
            standing = standings.get(one.version)
            if standing is not None:
                _tag(registry, standing, waiting.get(one.version, standing.reason), one.tags)
        _point_aliases(registry, plan)
    except Unavailable as error:
        log.warning("registry_behind", model=plan.model, error=str(error))


def tell_refused(registry: Registry, model: str, version: str, reason: str) -> None:
    """Write on a version's own page what to change about it."""
    try:
        registry.add_to_description(model, version, f"**Refused by Holdfast.** {reason}")
    except HoldfastError as error:
        log.warning("registry_behind", model=model, version=version, error=str(error))


def tell_put_off(registry: Registry, model: str, version: str, why: str) -> None:
    """Say in a version's tag why it could not be judged yet, for as long as it is put off; once for each reason."""
    told = f"not judged yet, and tried again every half minute: {why}"[:LONGEST_TAG]
    try:
        if registry.tags(model, version).get(REASON) != told:
            registry.set_tag(model, version, REASON, told)
    except HoldfastError as error:
        log.warning("registry_behind", model=model, version=version, error=str(error))


def _tag(registry: Registry, standing: Standing, reason: str, tags: Mapping[str, str]) -> None:
    wanted = {STAGE: str(standing.stage), REASON: reason[:LONGEST_TAG]}
    try:
        for name, value in wanted.items():
            if tags.get(name, "") != value:
                registry.set_tag(standing.model, standing.version, name, value)
    except NotFound as error:
        log.warning("version_deleted", model=standing.model, version=standing.version, error=str(error))


def _point_aliases(registry: Registry, plan: TrafficPlan) -> None:
    wanted = {
        "champion": plan.champion,
        "canary": None if plan.canary is None else plan.canary.version,
        "shadow": None if plan.shadow is None else plan.shadow.version,
    }
    standing = registry.aliases(plan.model)
    for alias, version in wanted.items():
        if standing.get(alias) == version:
            continue
        try:
            if version is None:
                registry.remove_alias(plan.model, alias)
            else:
                registry.set_alias(plan.model, alias, version)
        except NotFound as error:
            log.warning("version_deleted", model=plan.model, version=version, error=str(error))
