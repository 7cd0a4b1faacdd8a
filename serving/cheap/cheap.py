"""What may answer in the champion's place because it is cheaper."""

from collections.abc import Callable
from dataclasses import dataclass

from lifecycle.cascade import NOWHERE, SAME, Bands, VersionScale, sure_bands, version_scale
from lifecycle.charging import Charges, charges_of
from lifecycle.policy import Policy
from serving.arms import Arm
from serving.cache.exact import ExactCache
from serving.cache.near import NearCache
from serving.parts import Scores
from serving.tiers.rule import rule_of
from stores.small import judged_rows

SMALL, CACHE = "small", "cache"
"""Tiers, as the log and the answers name them."""


@dataclass(frozen=True)
class Cheap:
    """The cheap tiers beside one version in one arm, for one revision of the plan and of the policy.

    `bands` are the scores that the small model is sure of; NOWHERE without a cascade. `scale` turns them into scores of
    the version, for whoever watches these. Rows of a caller whose budget is spent are answered by the small model or
    the `rule`, whatever they are sure of. Without a cache there is neither `exact` nor `near`.
    """

    small: Scores | None
    bands: Bands
    scale: VersionScale
    rule: Scores | None
    exact: ExactCache | None
    near: NearCache | None
    charges: Charges | None


def open_cheap(policy: Policy, arm: Arm, *, compared: bool, monotonic: Callable[[], float]) -> Cheap | None:
    """Return what is cheap beside a version by a policy, None where every row is the version's own.

    While its answers are `compared` with a shadow's, the small model is sure of nothing: the rows that it would leave
    to the version are not like the others.
    """
    serving = policy.serving
    if serving.cascade is None and serving.cache is None and serving.budgets is None:
        return None
    exact, near = _caches(policy, arm, monotonic)
    bands, scale = bands_of(policy, arm)
    charges = None if serving.prices is None else charges_of(serving.prices)
    rule = rule_of(arm.definition)
    return Cheap(arm.small, NOWHERE if compared else bands, scale, rule, exact, near, charges)


def bands_of(policy: Policy, arm: Arm) -> tuple[Bands, VersionScale]:
    """Return the scores that a version's small model is sure of, and their scale.

    Raises ArtifactInvalid when the version's file of judged rows holds anything else.
    """
    cascade, judged = policy.serving.cascade, judged_rows(arm.files)
    if cascade is None or judged is None:
        return NOWHERE, SAME
    version, small = judged[:, 1], judged[:, 2]
    bands = sure_bands(version, small, policy.decision.threshold, cascade)
    return bands, version_scale(version, small, bands)


def _caches(policy: Policy, arm: Arm, monotonic: Callable[[], float]) -> tuple[ExactCache | None, NearCache | None]:
    cache = policy.serving.cache
    if cache is None:
        return None, None
    exact = ExactCache(cache.keep_seconds, cache.keep_answers, monotonic)
    if not cache.tolerances:
        return exact, None
    tolerances = {one.feature: one.within for one in cache.tolerances}
    return exact, NearCache(arm.predictor.vector, tolerances, cache.keep_seconds, cache.keep_answers, monotonic)
