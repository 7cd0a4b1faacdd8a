"""Keeps a model's shadow following its plan, after the plan serves: a shadow never holds up an answer or a plan."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lifecycle.errors import Unavailable
from lifecycle.plan import ShadowArm
from serving.mirror_slot import MirrorSlot
from serving.models import ServedModel
from serving.parts import Shadows
from serving.rollout.fault import is_the_version_s
from serving.rollout.loading import Loading, StillLoading
from stores.versions import VersionFiles

FILES = "shadow"


@dataclass(frozen=True)
class _Failure:
    """Why a trial's shadow does not stand, and whether that is the version's own fault."""

    arm: ShadowArm
    reason: str
    fault: bool


@dataclass
class Mirroring:
    """Opens a plan's shadow and ends it again; `open_version` fetches its files, in the background."""

    shadows: Shadows
    open_version: Callable[[str, str], VersionFiles]
    loading: Loading = field(default_factory=Loading)
    _followed: dict[str, tuple[ShadowArm, MirrorSlot]] = field(default_factory=dict)
    _failed: dict[str, _Failure] = field(default_factory=dict)

    def follow(self, served: ServedModel) -> None:
        """Bring a model's shadow to what serves; quick, and what goes wrong is said by `trouble`."""
        model, shadow = served.plan.model, served.plan.shadow
        self.loading.keep(FILES, model, () if shadow is None else (shadow.version,))
        if shadow is None:
            self._failed.pop(model, None)
            if self._followed.pop(model, None) is not None:
                self.shadows.end(model)
            return
        failed = self._failed.get(model)
        if failed is not None and failed.arm != shadow:
            # What was wrong with the one before is no word on this one.
            del self._failed[model]
        if self._followed.get(model) == (shadow, served.mirror):
            return
        try:
            key = (FILES, model, shadow.version)
            files = self.loading.result(key, lambda: self.open_version(model, shadow.version), Unavailable)
            served.mirror.mirror = self.shadows.follow(
                served.plan, files, served.policy, served.definition, served.contract
            )
        except StillLoading:
            return
        except Exception as error:  # noqa: BLE001 - whatever a shadow does, serving goes on
            self._failed[model] = _Failure(shadow, str(error) or type(error).__name__, is_the_version_s(error))
        else:
            self._failed.pop(model, None)
            self._followed[model] = (shadow, served.mirror)

    def trouble(self, model: str) -> str | None:
        """Return why a model's shadow does not stand here, None when it does or has none."""
        failed = self._failed.get(model)
        return None if failed is None else failed.reason

    def at_fault(self, model: str) -> bool:
        """Return whether the trouble speaks against the version itself."""
        failed = self._failed.get(model)
        return failed is not None and failed.fault

    def report(self, model: str) -> Mapping[str, float | int | str] | None:
        """Return what is known of a model's shadow, None without one."""
        return self.shadows.report(model) if model in self._followed else None
