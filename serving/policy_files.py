"""The policies as the gateway follows them: a changed file counts at once, a broken one changes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import structlog

from feature_repo.definition import load_definition
from feature_repo.fit import require_fit
from lifecycle.errors import HoldfastError, NotFound
from lifecycle.policy import Policy
from stores.policies import load_policy, policy_models

log = structlog.get_logger()

Stamp: TypeAlias = tuple[int, int, int]
"""Changes whenever a file is written or replaced."""


def check_policy(policy: Policy) -> None:
    """Raise PolicyInvalid when a policy speaks of fields, units or slices that its model does not have."""
    require_fit(policy, load_definition(policy.model))


@dataclass
class _Followed:
    stamp: Stamp | None
    policy: Policy | None
    error: HoldfastError | None


@dataclass
class PolicyFiles:
    """The newest valid policy of each model in a folder; a file is read again when its stamp changes."""

    folder: Path
    check: Callable[[Policy], None] = check_policy
    _followed: dict[str, _Followed] = field(default_factory=dict)

    def newest(self, model: str) -> Policy:
        """Return a model's policy: the file's, or the last valid one while the file cannot be followed.

        The same object comes back until the file changes. Raises what is wrong with a file that never was valid.
        """
        stamp = _stamp(self.folder / f"{model}.yaml")
        followed = self._followed.get(model)
        if followed is None or followed.stamp != stamp:
            followed = self._followed[model] = self._read(model, stamp, None if followed is None else followed.policy)
        if followed.policy is not None:
            return followed.policy
        raise followed.error or ValueError(f"no policy of {model} was read")

    def trouble(self, model: str) -> str | None:
        """Return why a model's file cannot be followed while an older policy stands, None when it is followed."""
        followed = self._followed.get(model)
        return None if followed is None or followed.error is None else str(followed.error)

    def _read(self, model: str, stamp: Stamp | None, before: Policy | None) -> _Followed:
        try:
            policy = load_policy(self.folder, model)
            self.check(policy)
        except HoldfastError as error:
            log.warning("policy_not_followed", model=model, error=str(error), kept=before and before.revision())
            return _Followed(stamp, before, error)
        return _Followed(stamp, policy, None)


def known_models(policies: Path, standing: Sequence[str]) -> Sequence[str]:
    """Return the models to serve: those with a policy file, and those known already, whatever became of theirs.

    Raises NotFound when there is neither a folder nor a model.
    """
    try:
        named = policy_models(policies)
    except NotFound:
        if not standing:
            raise
        named = ()
    return sorted({*named, *standing})


def valid_policies(policies: Path) -> Sequence[Policy]:
    """Return the policies of a folder that can be followed; the others are only told of."""
    valid: list[Policy] = []
    for model in policy_models(policies):
        try:
            valid.append(load_policy(policies, model))
        except HoldfastError as error:
            log.warning("policy_not_followed", model=model, error=str(error))
    return valid


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
