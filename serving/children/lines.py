"""Whole lines from a pipe that does not block."""

import os

READ_BYTES = 65_536


class Lines:
    """Reads a pipe a piece at a time."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._rest = b""

    def read(self) -> list[bytes]:
        """Return at most one read's lines; one that is overlong is cut there."""
        try:
            self._rest += os.read(self._descriptor, READ_BYTES)
        except OSError:
            return []
        *lines, self._rest = self._rest.split(b"\n")
        if len(self._rest) > READ_BYTES:
            lines.append(self._rest)
            self._rest = b""
        return lines
