"""What a process beside the gateway writes to stderr, passed on to the replica's log and never to a terminal."""

from collections.abc import Mapping

import structlog

from serving.children.lines import Lines

log = structlog.get_logger()

LINES = 200
"""Lines of one process that are logged; what follows is read and thrown away."""
LINE_CHARACTERS = 2_000
SHOWN_CHARACTERS = 300


class Complaints:
    """The stderr of one process; `kind` begins the events and `names` say in the log whose it is."""

    def __init__(self, stderr: int, kind: str, names: Mapping[str, object]) -> None:
        self._lines = Lines(stderr)
        self._said, self._says_more = f"{kind}_said", f"{kind}_says_more"
        self._names = names
        self._left = LINES
        self._last = ""

    def pass_on(self) -> None:
        """Log what came since the last call."""
        for said in self._lines.read():
            line = said.decode(errors="replace")[:LINE_CHARACTERS].strip()
            if not line:
                continue
            self._last = line
            if self._left > 0:
                log.warning(self._said, **self._names, line=line)
            elif self._left == 0:
                log.warning(self._says_more, **self._names, logged=LINES)
            self._left -= 1

    def last_words(self) -> str:
        """Return the last line, as the end of a sentence about a process that gave up; "" when it said none."""
        return f"; it last said: {self._last[:SHOWN_CHARACTERS]}" if self._last else ""
