"""What a plan is followed with: the policies, and the shadows of what serves."""

from collections.abc import Mapping
from typing import Protocol

from lifecycle.policy import Policy
from serving.models import ServedModel


class Policies(Protocol):
    """The policies as they are followed."""

    def newest(self, model: str) -> Policy:
        """Return a model's policy, the same object until it changes; raises when there never was a valid one."""
        ...

    def trouble(self, model: str) -> str | None:
        """Return why the newest file is not followed, None when it is."""
        ...


class Followers(Protocol):
    """The shadows of what serves."""

    def follow(self, served: ServedModel) -> None:
        """Bring a model's shadow to what serves; quick, and never raises."""
        ...

    def trouble(self, model: str) -> str | None:
        """Return why a model's shadow does not stand, None when it does or there is none."""
        ...

    def at_fault(self, model: str) -> bool:
        """Return whether that trouble speaks against the version itself, and not against a store that is away."""
        ...

    def report(self, model: str) -> Mapping[str, float | int | str] | None:
        """Return what is known of a model's shadow, None without one."""
        ...
