"""The baselines of the versions that answer, each asked for until there is one."""

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError

from lifecycle.errors import HoldfastError
from lifecycle.profile import Profile
from stores.baselines import own_baseline
from stores.ledger.baselines import Baselines
from stores.ledger.failing import in_short
from stores.versions import VersionFiles

log = structlog.get_logger()

ASK_AGAIN_SECONDS = 30.0


@dataclass
class KnownBaselines:
    """Finds a version's baseline: in its own files, which are on this machine, else in the ledger.

    `open_version` must not wait for a registry; `monotonic` is in seconds.
    """

    open_version: Callable[[str, str], VersionFiles]
    ledger: Baselines
    monotonic: Callable[[], float]
    _found: dict[tuple[str, str], Profile] = field(default_factory=dict)
    _asked_at: dict[tuple[str, str], float] = field(default_factory=dict)

    def of(self, model: str, version: str) -> Profile | None:
        """Return a version's baseline, None while it has none that can be read; asks every 30 seconds at most."""
        key = (model, version)
        if key in self._found:
            return self._found[key]
        now = self.monotonic()
        if now - self._asked_at.get(key, float("-inf")) < ASK_AGAIN_SECONDS:
            return None
        self._asked_at[key] = now
        found = self._own(model, version) or self._kept(model, version)
        if found is not None:
            self._found[key] = found
        return found

    def _own(self, model: str, version: str) -> Profile | None:
        try:
            return own_baseline(self.open_version(model, version))
        except (HoldfastError, OSError) as error:
            log.warning("own_baseline_unread", model=model, version=version, error=str(error))
            return None

    def _kept(self, model: str, version: str) -> Profile | None:
        try:
            baseline = self.ledger.get(model, version)
        except SQLAlchemyError as error:
            log.warning("baseline_unread", model=model, version=version, error=in_short(error))
            return None
        return None if baseline is None else baseline.profile
