"""The breakers of what may be asked, on this replica; used on the event loop, read on any thread."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from lifecycle.breaker import BreakerState
from lifecycle.failing import Failing
from lifecycle.tiers_policy import BreakerPolicy

log = structlog.get_logger()

FEATURES = "features"
"""The name of the breaker of a model's online store."""


def small_name(version: str) -> str:
    """Return the name of the breaker of a version's small model."""
    return f"the small model of {version}"


class FailureBreaker:
    """Stops asking what failed several times in a row, and tries it again after a while."""

    def __init__(self, model: str, name: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.model = model
        self.name = name
        self._monotonic = monotonic
        self._failing = Failing()

    @property
    def state(self) -> BreakerState:
        """Whether it is asked."""
        return self._failing.breaker.state

    def allows(self, policy: BreakerPolicy) -> bool:
        """Return whether it may be asked now; then `worked`, `failed` or `nothing_learned` must follow."""
        if self._failing.breaker.state is BreakerState.CLOSED:
            return True
        failing, allowed = self._failing.asked(self._monotonic(), policy.cool_down_seconds)
        self._follow(failing)
        return allowed

    def worked(self) -> None:
        """Take that it answered."""
        if self._failing.in_a_row or self._failing.trying:
            self._follow(self._failing.worked(self._monotonic()))

    def failed(self, reason: str, policy: BreakerPolicy) -> None:
        """Take that it did not."""
        self._follow(self._failing.failed(self._monotonic(), reason, policy.failures))

    def nothing_learned(self) -> None:
        """Take that nothing can be said of it."""
        if self._failing.trying:
            self._failing = self._failing.nothing_learned()

    def trouble(self) -> str | None:
        """Return that it is not asked, and why; None while it is."""
        breaker = self._failing.breaker
        if breaker.state is BreakerState.CLOSED:
            return None
        return f"{_words(self.name)} not asked after {self._failing.in_a_row} failures in a row: {breaker.reason}"

    def _follow(self, failing: Failing) -> None:
        before, self._failing = self._failing, failing
        if failing.breaker.state is not before.breaker.state:
            log.warning(
                "breaker",
                model=self.model,
                of=self.name,
                state=str(failing.breaker.state),
                because=failing.breaker.reason,
            )


@dataclass(frozen=True)
class TierBreakers:
    """The breakers that one tier asks and tells: of its features, and of its version.

    `version` is None for one that is asked whatever happens.
    """

    policy: BreakerPolicy
    features: FailureBreaker
    version: FailureBreaker | None = None

    def refuse_features(self) -> str | None:
        """Return why features are not to be read now; None when they may, and then what came of it must be told."""
        return None if self.features.allows(self.policy) else self.features.trouble() or ""

    def refuse_version(self) -> str | None:
        """Return why the version is not to be asked now; None when it may, and then what came of it must be told."""
        if self.version is None or self.version.allows(self.policy):
            return None
        return self.version.trouble() or ""

    def read(self, *, worked: bool, reason: str = "") -> None:
        """Take whether the features could be read."""
        if worked:
            self.features.worked()
        else:
            self.features.failed(reason, self.policy)

    def scored(self, reasons: Sequence[str], *, answered: bool) -> None:
        """Take what the version made of a batch: whether any ask was answered, and why others were not.

        Neither is no word on it.
        """
        if self.version is None:
            return
        if answered:
            self.version.worked()
        elif reasons:
            self.version.failed(reasons[0], self.policy)
        else:
            self.version.nothing_learned()

    def nothing_learned(self) -> None:
        """Take that the attempt says nothing: whoever was to be tried by it may be by the next."""
        self.features.nothing_learned()
        if self.version is not None:
            self.version.nothing_learned()


@dataclass
class FailureBreakers:
    """The breakers of one gateway, by model and name; versions keep theirs over plans."""

    monotonic: Callable[[], float] = time.monotonic
    _breakers: dict[tuple[str, str], FailureBreaker] = field(default_factory=dict)

    def of(self, model: str, name: str) -> FailureBreaker:
        """Return the breaker of a version or store of a model."""
        key = (model, name)
        if key not in self._breakers:
            # Replaced whole, because other threads go through it.
            self._breakers = {**self._breakers, key: FailureBreaker(model, name, self.monotonic)}
        return self._breakers[key]

    def keep(self, model: str, names: set[str]) -> None:
        """Let go of the breakers of a model but for these."""
        self._breakers = {key: one for key, one in self._breakers.items() if key[0] != model or key[1] in names}

    def trouble(self, model: str) -> str | None:
        """Return what of a model is not asked here, and why; None when everything is."""
        found = [one.trouble() for one in self._breakers.values() if one.model == model]
        return "; ".join(one for one in found if one is not None) or None

    def states(self) -> Iterator[tuple[Mapping[str, str], float]]:
        """Yield the model and name of every breaker, with 0 while it is closed, 1 open, and 0.5 half-open."""
        values = {BreakerState.CLOSED: 0.0, BreakerState.HALF_OPEN: 0.5, BreakerState.OPEN: 1.0}
        for one in tuple(self._breakers.values()):
            yield {"model": one.model, "name": one.name}, values[one.state]


def _words(name: str) -> str:
    if name == FEATURES:
        return "the online features are"
    return f"version {name} is" if " " not in name else f"{name} is"
