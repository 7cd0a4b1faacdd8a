"""What a shadow process writes to stderr, passed on to the replica's log and never to a terminal."""

from collections.abc import Mapping

import structlog

from serving.shadow.child import Child

log = structlog.get_logger()

LINES = 200
"""Lines of one process that are logged; what follows is read and thrown away."""
SHOWN_CHARACTERS = 300


class Complaints:
    """The stderr of one child; `names` say in the log whose it is."""

    def __init__(self, child: Child, names: Mapping[str, object]) -> None:
        self._child = child
        self._names = names
        self._left = LINES
        self._last = ""

    def pass_on(self) -> None:
        """Log what came since the last call."""
        for line in self._child.complaints():
            if not line.strip():
                continue
            self._last = line.strip()
            if self._left > 0:
                log.warning("shadow_said", **self._names, line=line)
            elif self._left == 0:
                log.warning("shadow_says_more", **self._names, logged=LINES)
            self._left -= 1

    def last_words(self) -> str:
        """Return the last line, as the end of a sentence about a process that gave up; "" when it said none."""
        return f"; it last said: {self._last[:SHOWN_CHARACTERS]}" if self._last else ""
