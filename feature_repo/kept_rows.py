"""Rows of the online store that are kept in memory for a moment, and which of them to read again in good time."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

Values: TypeAlias = bytes
"""A row's numbers as the float64 they are, so that many rows become one array by a join."""

MOST_KEPT = 20_000
"""Rows kept before the lapsed ones are dropped."""
AHEAD_PART = 0.75
"""Part of its time after which a row that was asked for again is read again, so that nobody waits for it."""


class _Kept:
    __slots__ = ("asked", "read_at", "values")

    def __init__(self, values: Values, read_at: float) -> None:
        self.values = values
        self.read_at = read_at
        self.asked = False


class KeptRows:
    """Keeps rows by their key for `seconds`. Read and written in several threads; `monotonic` is in seconds.

    Asking a store takes far longer than one more key does, and longer than all else that a request needs. So it is told
    which rows lapse next, among those that were asked for since they were read.
    """

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._rows: OrderedDict[str, _Kept] = OrderedDict()
        self._turn = threading.Lock()

    def find(self, wanted: Iterable[str]) -> tuple[dict[str | None, Values], list[str]]:
        """Return the rows that are kept, and the keys whose are not."""
        since = self._monotonic() - self._seconds
        rows: dict[str | None, Values] = {}
        unread: list[str] = []
        for key in wanted:
            kept = self._rows.get(key)
            if kept is None or kept.read_at <= since:
                unread.append(key)
            else:
                kept.asked = True
                rows[key] = kept.values
        return rows, unread

    def lapse_next(self) -> list[str]:
        """Return keys to read again, of which nobody else is told, and forget rows that lapsed."""
        now = self._monotonic()
        ahead: list[str] = []
        lapsed: list[str] = []
        with self._turn:
            for key, kept in self._rows.items():
                if kept.read_at > now - AHEAD_PART * self._seconds:
                    break
                if kept.asked:
                    kept.asked = False
                    ahead.append(key)
                elif kept.read_at <= now - self._seconds:
                    lapsed.append(key)
            for key in lapsed:
                del self._rows[key]
        return ahead

    def keep(self, fresh: Mapping[str, Values], read_at: float) -> None:
        """Keep rows that were read at a monotonic moment."""
        if self._seconds <= 0:
            return
        with self._turn:
            for key, values in fresh.items():
                self._rows[key] = _Kept(values, read_at)
                self._rows.move_to_end(key)
            if len(self._rows) > MOST_KEPT:
                since = self._monotonic() - self._seconds
                for key in [key for key, kept in self._rows.items() if kept.read_at <= since]:
                    del self._rows[key]
