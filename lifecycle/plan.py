"""The traffic plan: which version answers for a model, and which stand beside it."""

from dataclasses import dataclass, replace

from lifecycle.errors import TransitionRefused


@dataclass(frozen=True)
class TrafficPlan:
    """One revision of a model's plan; revision 0 is "nothing serves yet"."""

    model: str
    revision: int
    champion: str | None
    previous: str | None

    def promote(self, version: str) -> "TrafficPlan":
        """Return the next revision with `version` as champion and today's as the way back."""
        if version == self.champion:
            raise TransitionRefused(
                f"version {version} of {self.model} already is champion (plan revision {self.revision})"
            )
        return replace(self, revision=self.revision + 1, champion=version, previous=self.champion)

    def versions(self) -> tuple[str, ...]:
        """Return the versions a gateway must hold loaded, champion first."""
        return tuple(version for version in (self.champion, self.previous) if version is not None)


def empty_plan(model: str) -> TrafficPlan:
    """Return the plan of a model that has never served."""
    return TrafficPlan(model=model, revision=0, champion=None, previous=None)
