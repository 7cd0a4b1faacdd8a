"""A new deployment of a gateway that runs, from a process of its own."""

import re
import subprocess
import sys

import psutil

from tests.drills.gateway import Gateway
from tests.serving.test_server import ROOT

RELEASE_SECONDS = 240


def redeploy(gateway: Gateway) -> None:
    """Deploy the gateway's application again, as its policy file is now; return when every new replica answers."""
    raylet = _raylet(gateway)
    address = re.search(r"--gcs-address=(\S+)", " ".join(raylet.cmdline()))
    assert address is not None
    # The cluster's token and the server's settings are in the environment that its processes were given.
    done = subprocess.run(
        [sys.executable, "-m", "tests.drills.redeploy", address[1]],
        cwd=ROOT,
        env=raylet.environ(),
        capture_output=True,
        text=True,
        timeout=RELEASE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _raylet(gateway: Gateway) -> psutil.Process:
    children = psutil.Process(gateway.process.pid).children(recursive=True)
    return next(child for child in children if _is_raylet(child))


def _is_raylet(process: psutil.Process) -> bool:
    try:
        return process.name() == "raylet"
    except psutil.NoSuchProcess:
        # One of the others has just ended.
        return False
