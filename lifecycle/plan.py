"""The traffic plan: which version answers for a model, which earns its way beside it, and what stands still."""

from dataclasses import dataclass, replace
from datetime import datetime

from lifecycle.errors import TransitionRefused


@dataclass(frozen=True)
class CanaryArm:
    """A version that answers for `share` of the units.

    `step` counts from 0 in the policy's steps. Evidence of a step begins with the plan revision it began at;
    `first_revision` began the canary as a whole and salts who is in it, so that a later step only adds units.
    """

    version: str
    step: int
    share: float
    since_revision: int
    since_at: datetime
    first_revision: int


@dataclass(frozen=True)
class ShadowArm:
    """A version that is shown what the champion is asked, and whose answers nobody sees."""

    version: str
    since_revision: int
    since_at: datetime


@dataclass(frozen=True)
class TrafficPlan:
    """One revision of a model's plan; revision 0 is "nothing serves yet".

    `held` is why nothing may advance, None when all may; `pinned` also keeps the champion whatever the rules find.
    Rules are judged all the same.
    """

    model: str
    revision: int
    champion: str | None
    previous: str | None
    champion_since_revision: int = 0
    champion_since_at: datetime | None = None
    canary: CanaryArm | None = None
    shadow: ShadowArm | None = None
    held: str | None = None
    pinned: bool = False

    def promote(self, version: str, at: datetime) -> "TrafficPlan":
        """Return the next revision with `version` as champion and today's as the way back; its trial is over.

        A pin keeps one version, so it ends with that; a hold stays.
        """
        if version == self.champion:
            raise TransitionRefused(
                f"version {version} of {self.model} already is champion (plan revision {self.revision})"
            )
        return self._next(
            champion=version,
            previous=self.champion,
            champion_since_revision=self.revision + 1,
            champion_since_at=at,
            canary=self._canary_afresh(version, at),
            shadow=self._shadow_afresh(version, at),
            pinned=False,
        )

    def roll_back(self, at: datetime) -> "TrafficPlan":
        """Return the next revision with the previous champion back; the one that fails is no way back."""
        if self.previous is None:
            raise TransitionRefused(
                f"{self.model} has no previous champion to go back to (plan revision {self.revision}); "
                "promote a version that should stand instead"
            )
        return replace(self.promote(self.previous, at), previous=None)

    def start_shadow(self, version: str, at: datetime) -> "TrafficPlan":
        """Return the next revision with a version in shadow."""
        if self.shadow is not None:
            raise TransitionRefused(
                f"version {self.shadow.version} of {self.model} is in shadow already; one version at a time"
            )
        return self._next(shadow=ShadowArm(version, self.revision + 1, at))

    def end_shadow(self) -> "TrafficPlan":
        """Return the next revision without a shadow."""
        self._require_shadow()
        return self._next(shadow=None)

    def start_canary(self, share: float, at: datetime) -> "TrafficPlan":
        """Return the next revision with the shadow's version on the first canary step."""
        version = self._require_shadow().version
        if self.canary is not None:
            raise TransitionRefused(
                f"version {self.canary.version} of {self.model} is the canary already; one version at a time"
            )
        following = self.revision + 1
        return self._next(shadow=None, canary=CanaryArm(version, 0, share, following, at, following))

    def advance_canary(self, share: float, at: datetime) -> "TrafficPlan":
        """Return the next revision with the canary one step further."""
        canary = self._require_canary()
        if share <= canary.share:
            raise TransitionRefused(f"a canary step must rise: {share:g} after {canary.share:g}")
        return self._next(
            canary=replace(canary, step=canary.step + 1, share=share, since_revision=self.revision + 1, since_at=at)
        )

    def end_canary(self) -> "TrafficPlan":
        """Return the next revision without a canary: the champion answers for all units."""
        self._require_canary()
        return self._next(canary=None)

    def hold(self, reason: str) -> "TrafficPlan":
        """Return the next revision in which nothing advances."""
        return self._next(held=reason)

    def pin(self, reason: str) -> "TrafficPlan":
        """Return the next revision in which nothing advances and no rule changes the champion."""
        return self._next(held=reason, pinned=True)

    def resume(self, at: datetime) -> "TrafficPlan":
        """Return the next revision in which the rules act again; what waited too long has its full time anew."""
        if self.held is None:
            raise TransitionRefused(f"{self.model} is not held (plan revision {self.revision})")
        return self._next(
            held=None,
            pinned=False,
            canary=None if self.canary is None else replace(self.canary, since_at=at),
            shadow=None if self.shadow is None else replace(self.shadow, since_at=at),
        )

    def versions(self) -> tuple[str, ...]:
        """Return the versions a gateway must hold loaded, champion first; a shadow runs elsewhere."""
        canary = None if self.canary is None else self.canary.version
        wanted = (version for version in (self.champion, self.previous, canary) if version is not None)
        return tuple(dict.fromkeys(wanted))

    def salt(self) -> str:
        """Return what decides, with a unit, who is in the canary; another rollout draws other units."""
        canary = self._require_canary()
        return f"{self.model}/{canary.version}/{canary.first_revision}"

    def _next(self, **changes: object) -> "TrafficPlan":
        return replace(self, revision=self.revision + 1, **changes)  # type: ignore[arg-type]

    def _shadow_afresh(self, version: str, at: datetime) -> ShadowArm | None:
        # What was paired with another champion proves nothing beside the new one.
        if self.shadow is None or self.shadow.version == version:
            return None
        return ShadowArm(self.shadow.version, self.revision + 1, at)

    def _canary_afresh(self, version: str, at: datetime) -> CanaryArm | None:
        if self.canary is None or self.canary.version == version:
            return None
        return replace(self.canary, since_revision=self.revision + 1, since_at=at)

    def _require_shadow(self) -> ShadowArm:
        if self.shadow is None:
            raise TransitionRefused(f"{self.model} has no version in shadow (plan revision {self.revision})")
        return self.shadow

    def _require_canary(self) -> CanaryArm:
        if self.canary is None:
            raise TransitionRefused(f"{self.model} has no canary (plan revision {self.revision})")
        return self.canary


def empty_plan(model: str) -> TrafficPlan:
    """Return the plan of a model that has never served."""
    return TrafficPlan(model=model, revision=0, champion=None, previous=None)
