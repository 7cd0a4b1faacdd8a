"""The very same request, answered again for a while from the features that were read for it then."""

from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TTLCache

from serving.cache.vector import Vector


@dataclass(frozen=True, slots=True)
class Kept:
    """A score, and the vector that it was given for."""

    score: float
    vector: Vector


class ExactCache:
    """Scores of one version by request row, written as the contract writes it; of one replica, on its event loop.

    Each is kept for `seconds`, at most so many of them; the least recently given makes room. `monotonic` is in seconds.
    """

    def __init__(self, seconds: float, at_most: int, monotonic: Callable[[], float]) -> None:
        self._kept: TTLCache[str, Kept] = TTLCache(at_most, seconds, monotonic)

    def find(self, request: str) -> Kept | None:
        """Return what was kept of a row, None for one that was not seen lately."""
        return self._kept.get(request)

    def keep(self, request: str, score: float, vector: Vector) -> None:
        """Keep a score, newly computed."""
        self._kept[request] = Kept(score, vector)
