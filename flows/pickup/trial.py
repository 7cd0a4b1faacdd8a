"""The checking process from outside: started with nothing but its order, watched, and ended for certain."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from pydantic import ValidationError

from flows.pickup.report import PATIENCE, Order, Report
from lifecycle.admission import Problem
from lifecycle.errors import Unavailable

LOOK_SECONDS = 0.05
LONGEST_REPORT_BYTES = 16 * 1024 * 1024
SHOWN_OF_LOG = 300
PROJECT = Path(__file__).resolve().parents[2]
STOPPED_BY_OTHERS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def try_version(order: Order) -> Report:
    """Return the checking process's report; one that crashed, hung, grew or lied is a problem in it.

    Raises Unavailable when somebody stopped the process from outside, which says nothing about the version.
    """
    with TemporaryDirectory(prefix="holdfast-check-") as scratch:
        folder = Path(scratch)
        started = _start(order, folder)
        try:
            ended = _watch(started, order)
        finally:
            _end(started)
        if ended is not None:
            return _failed(ended)
        return _read(started.returncode, folder, order)


def _start(order: Order, folder: Path) -> subprocess.Popen[bytes]:
    (folder / "order").write_text(order.model_dump_json(), encoding="utf-8")
    # Nothing of this process's environment: addresses, passwords and tokens are none of a model's business.
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(PROJECT),
        "PYTHONSAFEPATH": "1",
        "PYTHONWARNINGS": "ignore",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "TZ": "UTC",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    with (
        (folder / "order").open("rb") as told,
        (folder / "report").open("wb") as report,
        (folder / "log").open("wb") as log,
    ):
        return subprocess.Popen(
            [sys.executable, "-m", "flows.pickup.checking"],
            stdin=told,
            stdout=report,
            stderr=log,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )


def _watch(started: subprocess.Popen[bytes], order: Order) -> str | None:
    """Return why the process had to be ended, or None when it ended by itself."""
    longest = order.seconds * PATIENCE
    until = time.monotonic() + longest
    while started.poll() is None:
        if time.monotonic() > until:
            return (
                f"The check was not done after {longest} s: loading or scoring hangs. Register a model that "
                "answers at once."
            )
        used_mb = _memory_mb(started.pid)
        if used_mb > order.memory_mb:
            return (
                f"It used {used_mb:.0f} MB of memory; allowed: {order.memory_mb} (rollout.shadow.memory_limit_mb of "
                "the policy). Register a smaller model."
            )
        time.sleep(LOOK_SECONDS)
    return None


def _memory_mb(pid: int) -> float:
    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += one.memory_info().rss
    return total / 1024 / 1024


def _end(started: subprocess.Popen[bytes]) -> None:
    # Its session, so that what it started ends with it; until it is waited for, the number is its own.
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()


def _read(code: int, folder: Path, order: Order) -> Report:
    if -code in STOPPED_BY_OTHERS:
        raise Unavailable(f"the checking process was stopped by signal {-code}; it starts again with the next look")
    if code == -signal.SIGXCPU:
        return _failed(
            f"Loading and scoring it took more than {order.seconds} s of computing. "
            "Register a model that answers at once."
        )
    log = (folder / "log").read_bytes()[-4096:].decode(errors="replace").strip()
    last = log.rpartition("\n")[2][:SHOWN_OF_LOG]
    if code != 0:
        how = f"was ended by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with code {code}"
        return _failed(
            f"The process that loaded and scored it {how}{': ' + last if last else ''}. Load and score it in a fresh "
            "process of your own, with the versions that are served."
        )
    if (folder / "report").stat().st_size > LONGEST_REPORT_BYTES:
        return _failed("The process that loaded it wrote more than a report. Log a plain model.")
    try:
        return Report.model_validate_json((folder / "report").read_bytes())
    except ValidationError:
        return _failed(
            f"The process that loaded it ended without a report{': ' + last if last else ''}. Load and score it in a "
            "fresh process of your own, with the versions that are served."
        )


def _failed(reason: str) -> Report:
    return Report(problems=(Problem(check="self-test", reason=reason),))
