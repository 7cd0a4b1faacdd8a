"""Start, find and stop the programs that belong to this state folder, and only those."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from lifecycle.errors import SettingInvalid, Unavailable

STOP_SECONDS = 30.0
"""How long a program may take to end by itself before it is killed."""


@dataclass(frozen=True)
class Started:
    """A program we started: `created_at` (epoch seconds) tells it from a later one with its id."""

    name: str
    pid: int
    created_at: float
    address: str
    log: str

    def process(self) -> psutil.Process | None:
        """Return the running process, or None when it has ended."""
        try:
            found = psutil.Process(self.pid)
            if found.create_time() != self.created_at or found.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.NoSuchProcess:
            return None
        return found


class Processes:
    """The record of started programs: `programs/<name>.json` beside `<name>.log`, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._records = folder / "programs"

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str], address: str) -> Started:
        """Start a program in its own session, its output going to `<name>.log`, and record it."""
        self._records.mkdir(parents=True, exist_ok=True)
        log = self._folder / f"{name}.log"
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        # The program outlives this one on purpose, so no Popen object may feel responsible for it.
        pid = os.posix_spawn(
            command[0],
            list(command),
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        started = Started(name, pid, psutil.Process(pid).create_time(), address, str(log))
        part = self._records / f"{name}.part"
        part.write_text(json.dumps(asdict(started)))
        part.replace(self._records / f"{name}.json")
        return started

    def all(self) -> tuple[Started, ...]:
        """Return every recorded program, running or not, by name."""
        return tuple(Started(**json.loads(path.read_text())) for path in sorted(self._records.glob("*.json")))

    def running(self, name: str) -> Started | None:
        """Return a program by name when it runs."""
        return next((known for known in self.all() if known.name == name and known.process()), None)

    def stop(self, started: Started) -> bool:
        """End a program and everything it started, also when itself was killed; return whether anything ran."""
        process = started.process()
        family = _session(started)
        if process is not None:
            family += process.children(recursive=True)
            process.send_signal(signal.SIGTERM)
            psutil.wait_procs([process], timeout=STOP_SECONDS)
        _end(family)
        (self._records / f"{started.name}.json").unlink(missing_ok=True)
        return bool(family)


def _session(started: Started) -> list[psutil.Process]:
    """Return the living processes of a program's session, none when another program has its id by now.

    While a session has members, the kernel gives its number to no new process.
    """
    if psutil.pid_exists(started.pid) and psutil.Process(started.pid).create_time() != started.created_at:
        return []
    members = []
    for process in psutil.process_iter():
        try:
            ours = os.getsid(process.pid) == started.pid and process.create_time() >= started.created_at
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            continue
    return members


def _end(family: Sequence[psutil.Process]) -> None:
    # psutil compares the creation time before it signals, so a reused id is never hit.
    for process in family:
        if process.is_running():
            process.terminate()
    _, left = psutil.wait_procs(family, timeout=3)
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=3)


def require_free_port(host: str, port: int, setting: str) -> None:
    """Raise SettingInvalid naming the setting when something listens on the port already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingInvalid(
                f"{setting} is {port}, but {host}:{port} cannot be listened on ({error.strerror}). "
                f"Free it, or set {setting} to another port."
            ) from error


def wait_until_up(started: Started, is_up: Callable[[], bool], seconds: float) -> None:
    """Return when `is_up()` holds; raise Unavailable with the log's end when it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while not is_up():
        ended = started.process() is None
        if ended or time.monotonic() > deadline:
            why = "ended" if ended else f"was not up after {seconds:.0f} s"
            raise Unavailable(f"{started.name} {why}. The end of {started.log}:\n{log_end(Path(started.log))}")
        time.sleep(0.1)


def log_end(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log file."""
    if not log.exists():
        return "(empty)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
