"""`make bench-overload`: people's requests alone, and beside programs that ask for five times the capacity.

The real server with keys required, all on this machine. People's clients get a core whenever they want one, where the
system lets them, and the crowd's when nobody else does: waiting for a core in a client is nothing the server does.
Programs send requests of many rows, so that few enough requests are an overload for clients in Python to send them.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Self

import psutil
from rich.console import Console
from rich.table import Table

from console.processes import Started
from lifecycle.errors import EvidenceMissing
from lifecycle.priority import Priority
from lifecycle.tenants import Role, Tenant
from stores.ledger.opening import open_ledger
from stores.ledger.tenants import Tenants
from stores.settings import Settings, settings
from tests.bench.overload.figures import Outcomes, per_second, seconds_to_recover
from tests.bench.overload.options import Options
from tests.bench.overload.sender import NUMBER, Cores, Plan
from tests.bench.serving.home import MODEL, prepare_home
from tests.bench.serving.servers import MEGABYTE, holdfast, running
from tests.serving.conftest import flight

ALLOWED_P99_RATIO, ALLOWED_RECOVERY_SECONDS = 3.0, 10.0
RECOVERY_SECONDS = 15.0
LEAD_SECONDS = 3.0
"""Until every sender has started."""
CROWD_CONNECTIONS, PEOPLE_CONNECTIONS = 900, 200
CAPACITY_CONNECTIONS = 32
PERCENTILES = (50, 90, 99)
MEMORY_EVERY_SECONDS = 2.0
CROWD = {"standard": 0.5, "backfill": 0.5}
"""Shares of the overload by priority."""
PEOPLE = "interactive"
Keys = Mapping[str, str]


def bench_overload(terminal: Console, options: Options) -> dict[str, object]:
    """Measure, print the table and return the figures."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as scratch:
        chosen = prepare_home(Path(scratch), settings(), terminal)
        keys = _let_in(chosen, options)
        server = replace(holdfast(chosen), variables={"HOLDFAST_AUTH": "required"})
        with running(chosen, [server]) as started, terminal.status("Measuring the capacity") as status:
            bench = _Bench(chosen, keys, options, Path(scratch))
            bench.capacity(options.warm_up_seconds)
            capacity = bench.capacity(options.capacity_seconds)
            status.update(f"Alone, then beside {options.times:g} times {capacity:.0f} requests a second, then alone")
            figures = bench.overload(capacity, started[server.name])
    terminal.print(_table(figures))
    return {"options": vars(options), **figures}


def _let_in(chosen: Settings, options: Options) -> Keys:
    """Give every priority a tenant of its own, with room for all that is sent, and return their keys."""
    tenants = Tenants(open_ledger(chosen.ledger_address))
    keys = {}
    for priority in Priority:
        name = priority.name.lower()
        rate = options.people_per_second * 2 if priority is Priority.INTERACTIVE else 1e6
        tenants.add(Tenant(name, rate, int(rate), priority))
        _, keys[name] = tenants.issue(name, Role.PREDICT, None)
    return keys


class _Bench:
    """Sends plans to one running server."""

    def __init__(self, chosen: Settings, keys: Keys, options: Options, scratch: Path) -> None:
        self._address = f"{chosen.http_address}/v2/models/{MODEL}/predict"
        self._keys = keys
        self._options = options
        self._scratch = scratch

    def capacity(self, seconds: float) -> float:
        """Return how many requests of the crowd are answered a second when a few connections ask all the time."""
        # Due all at once, they wait for a connection each: as soon as one is answered, the next is sent.
        burst = 0.001
        rate = self._options.rough_capacity * seconds / burst
        plan = self._plan("standard", rate, burst, time.time() + LEAD_SECONDS)
        plan = replace(plan, connections=CAPACITY_CONNECTIONS, cores=Cores.AS_OTHERS)
        (outcomes,) = self._send([plan])
        if outcomes.lost():
            raise EvidenceMissing(f"alone, requests were not answered: {outcomes.counts()}; the capacity is unknown")
        return len(outcomes.due) / float(outcomes.seconds.max())

    def overload(self, capacity: float, started: Started) -> dict[str, object]:
        """Return the figures of quiet, crowd and quiet again."""
        given = self._options
        quiet, crowd = given.quiet_seconds, given.seconds
        begins_at = time.time() + LEAD_SECONDS
        people = self._plan(PEOPLE, given.people_per_second, quiet + crowd + RECOVERY_SECONDS, begins_at)
        offered = {name: capacity * given.times * share for name, share in CROWD.items()}
        plans = [people, *(self._plan(name, rate, crowd, begins_at + quiet) for name, rate in offered.items())]
        with _Memory(started) as memory:
            mine, *others = self._send(plans)
        alone, beside = mine.between(1.0, quiet), mine.between(quiet, quiet + crowd)
        end = quiet + crowd
        quiet_p99, p99 = alone.milliseconds(99), beside.milliseconds(99)
        return {
            "capacity_per_second": round(capacity, 1),
            "offered_times": round(per_second(others, crowd) / capacity, 2),
            "quiet": _waits(alone),
            "crowd": _waits(beside),
            "p99_ratio": round(p99 / quiet_p99, 2),
            "recovery_seconds": seconds_to_recover(mine, end, end + RECOVERY_SECONDS, ALLOWED_P99_RATIO * quiet_p99),
            "statuses": {name: one.counts() for name, one in zip(CROWD, others, strict=True)},
            "memory_mb": memory.figures(),
        }

    def _plan(self, priority: str, rate: float, seconds: float, begins_at: float) -> Plan:
        rows = 1 if priority == PEOPLE else self._options.rows
        return Plan(
            address=self._address,
            headers={"X-API-Key": self._keys[priority], "X-Holdfast-Priority": priority},
            # The number is no text in the body that is sent.
            body=json.dumps({"rows": [flight(flight=NUMBER) for _ in range(rows)]}).replace(f'"{NUMBER}"', NUMBER),
            per_second=rate,
            seconds=seconds,
            connections=PEOPLE_CONNECTIONS if priority == PEOPLE else CROWD_CONNECTIONS,
            begins_at=begins_at,
            file=str(self._scratch / f"{priority}.npz"),
            cores=Cores.AT_ONCE if priority == PEOPLE else Cores.LAST,
        )

    def _send(self, plans: Sequence[Plan]) -> list[Outcomes]:
        command = (sys.executable, "-m", "tests.bench.overload.sender")
        # Each in a session of its own: Linux shares cores among sessions first (sched(7), autogroup).
        senders = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True) for _ in plans]
        for sender, plan in zip(senders, plans, strict=True):
            if sender.stdin is None:
                raise AssertionError("a sender reads its plan from a pipe")
            sender.stdin.write(plan.dumped())
            sender.stdin.close()
        statuses = [sender.wait() for sender in senders]
        if any(statuses):
            raise EvidenceMissing("a sender failed; its words stand above")
        return [Outcomes.read(Path(plan.file)) for plan in plans]


def _waits(outcomes: Outcomes) -> dict[str, float]:
    waits = {f"p{percentile}_ms": round(outcomes.milliseconds(percentile), 2) for percentile in PERCENTILES}
    return {**waits, "lost": outcomes.lost()}


class _Memory:
    """Looks at what a server's processes hold while a block runs; megabytes, shared pages counted in each.

    To tell shared pages apart, Linux would have to stop the processes for as long as it counts.
    """

    def __init__(self, started: Started) -> None:
        self._started = started
        self._seen: list[float] = []
        self._over = Event()
        self._thread = Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        """Look for the first time."""
        self._seen.append(_resident_mb(self._started))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look for the last time."""
        self._over.set()
        self._thread.join()
        self._seen.append(_resident_mb(self._started))

    def figures(self) -> dict[str, float]:
        """Return the memory before, at most, and after."""
        names = ("before", "most", "after")
        return dict(zip(names, (round(one) for one in (self._seen[0], max(self._seen), self._seen[-1])), strict=True))

    def _look(self) -> None:
        while not self._over.wait(MEMORY_EVERY_SECONDS):
            self._seen.append(_resident_mb(self._started))


def _resident_mb(started: Started) -> float:
    process = psutil.Process(started.pid)
    held = 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            held += one.memory_info().rss
    return held / MEGABYTE


def _table(figures: Mapping[str, object]) -> Table:
    table = Table(
        title=f"People beside {figures['offered_times']} times the capacity, {figures['capacity_per_second']}/s",
        caption=(
            f"Allowed: p99 at most {ALLOWED_P99_RATIO:g} times as long as in quiet, nothing lost, and back to normal "
            f"within {ALLOWED_RECOVERY_SECONDS:g} s."
        ),
    )
    for head in ("", *(f"p{percentile} ms" for percentile in PERCENTILES), "lost"):
        table.add_column(head, justify="right" if head else "left")
    for name in ("quiet", "crowd"):
        row = figures[name]
        if isinstance(row, Mapping):
            table.add_row(name, *(f"{value:g}" for value in row.values()))
    table.add_row("p99 ratio", "", "", f"{figures['p99_ratio']:g}", "")
    table.add_row("normal after", "", "", f"{figures['recovery_seconds']} s", "")
    table.add_row("memory MB", *(f"{name} {value}" for name, value in dict(figures["memory_mb"]).items()))  # type: ignore[call-overload]
    return table
