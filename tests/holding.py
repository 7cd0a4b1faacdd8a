"""`python -m tests.holding DATABASE`: keeps everybody else from reading an SQLite file, until its input ends.

It holds the locks of the file's write-ahead log, as a process does that recovers it and never comes to an end; see
https://www.sqlite.org/walformat.html, "WAL-Index Locks".
"""

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIRST_LOCK, LOCKS = 120, 8


def main() -> None:
    """Hold on."""
    with Path(f"{sys.argv[1]}-shm").open("r+b") as index:
        fcntl.lockf(index, fcntl.LOCK_EX, LOCKS, FIRST_LOCK)
        sys.stdout.write("held\n")
        sys.stdout.flush()
        sys.stdin.read()


@contextmanager
def held(database: Path) -> Iterator[None]:
    """Hold a database for a block, from another process."""
    command = [sys.executable, "-m", "tests.holding", str(database)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
    finally:
        process.communicate("", timeout=30)


if __name__ == "__main__":
    main()
