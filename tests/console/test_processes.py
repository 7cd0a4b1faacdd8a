"""Programs are started, found and stopped by their id, and nothing else is touched."""

import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from console.processes import Processes, require_free_port, wait_until_up
from lifecycle.errors import SettingInvalid, Unavailable

SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)")
SPAWNER = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
time.sleep(60)
"""
PARENT = (sys.executable, "-c", SPAWNER)


def test_a_started_program_is_found_until_it_is_stopped(tmp_path: Path) -> None:
    """The record outlives the object that made it."""
    started = Processes(tmp_path).start("sleeper", SLEEPER, os.environ, "nowhere")
    assert Processes(tmp_path).running("sleeper") == started
    assert Processes(tmp_path).stop(started)
    assert Processes(tmp_path).all() == ()
    assert not psutil.pid_exists(started.pid) or psutil.Process(started.pid).status() == psutil.STATUS_ZOMBIE


def test_stopping_a_program_stops_what_it_started(tmp_path: Path) -> None:
    """No grandchild stays behind."""
    processes = Processes(tmp_path)
    started = processes.start("parent", PARENT, os.environ, "nowhere")
    wait_until_up(started, lambda: Path(started.log).read_text().strip().isdigit(), seconds=10)
    child = psutil.Process(int(Path(started.log).read_text()))
    processes.stop(started)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_what_a_killed_program_left_behind_is_stopped_too(tmp_path: Path) -> None:
    """A parent that died without a word does not leave its children to hold the ports."""
    processes = Processes(tmp_path)
    started = processes.start("parent", PARENT, os.environ, "nowhere")
    wait_until_up(started, lambda: Path(started.log).read_text().strip().isdigit(), seconds=10)
    child = psutil.Process(int(Path(started.log).read_text()))
    psutil.Process(started.pid).kill()
    assert processes.stop(started)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_another_program_with_a_reused_id_is_left_alone(tmp_path: Path) -> None:
    """The creation time tells our program from a later one with its id."""
    processes = Processes(tmp_path)
    started = processes.start("sleeper", SLEEPER, os.environ, "nowhere")
    assert not processes.stop(replace(started, created_at=started.created_at - 1))
    assert started.process() is not None
    processes.stop(started)


def test_a_program_that_ends_early_shows_the_end_of_its_log(tmp_path: Path) -> None:
    """The person sees why, and where to read on."""
    started = Processes(tmp_path).start("broken", (sys.executable, "-c", "raise SystemExit('no disk')"), os.environ, "")
    with pytest.raises(Unavailable, match=r"broken ended.*\n.*no disk"):
        wait_until_up(started, lambda: False, seconds=10)


def test_a_taken_port_names_its_setting() -> None:
    """The message says which variable to change."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingInvalid, match=f"HOLDFAST_HTTP_PORT is {port}"):
            require_free_port("127.0.0.1", port, "HOLDFAST_HTTP_PORT")
