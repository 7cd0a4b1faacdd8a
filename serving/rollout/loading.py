"""Loading in the background what nobody has proven yet, so that a version that hangs holds up no plan."""

import threading
import time
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from lifecycle.errors import ArtifactInvalid, HoldfastError

T = TypeVar("T")
PATIENCE_SECONDS = 0.1
LIMIT_SECONDS = 60.0


class StillLoading(HoldfastError):
    """What was asked for is on its way; ask again."""


class _Load:
    def __init__(self, load: Callable[[], object]) -> None:
        self.began = time.monotonic()
        self.done = threading.Event()
        self.value: object = None
        self.error: Exception | None = None
        self._load = load
        threading.Thread(target=self._run, name="loading", daemon=True).start()

    def _run(self) -> None:
        try:
            self.value = self._load()
        except Exception as error:  # noqa: BLE001 - raised again where the result is asked for
            self.error = error
        except BaseException as error:  # noqa: BLE001 - a version that calls sys.exit has failed to load, no more
            self.error = ArtifactInvalid(f"loading ended with {type(error).__name__}: {error}")
        self.done.set()


class Loading:
    """Results by key, each loaded once in a daemon thread of its own.

    An asker waits `patience_seconds` at most. What takes longer than `limit_seconds` has failed, until it is there.
    """

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self._limit_seconds = limit_seconds
        self._loads: dict[tuple[str, ...], _Load] = {}

    def result(self, key: tuple[str, ...], load: Callable[[], T], late: type[HoldfastError] = ArtifactInvalid) -> T:
        """Return what `load` returns, started when it is not under way.

        Raises StillLoading, what `load` raises (the next call then starts again), and `late` beyond the limit.
        """
        under_way = self._loads.get(key)
        if under_way is None:
            under_way = self._loads[key] = _Load(load)
            under_way.done.wait(self._patience_seconds)
        if not under_way.done.is_set():
            if time.monotonic() - under_way.began > self._limit_seconds:
                raise late(
                    f"{' '.join(key)} has not stood up within {self._limit_seconds:g} s; make it load and answer faster"
                )
            raise StillLoading(f"{' '.join(key)} is being loaded")
        if under_way.error is not None:
            del self._loads[key]
            raise under_way.error
        value: Any = under_way.value
        return value  # type: ignore[no-any-return]

    def forget(self, key: tuple[str, ...]) -> None:
        """Load anew when asked the next time."""
        self._loads.pop(key, None)

    def keep(self, kind: str, model: str, versions: Collection[str]) -> None:
        """Forget the results of a kind for a model but for these versions."""
        for key in [one for one in self._loads if one[:2] == (kind, model) and one[2] not in versions]:
            del self._loads[key]
