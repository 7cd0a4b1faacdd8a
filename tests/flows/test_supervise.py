"""The flow around the ticks: alone, ended by a signal, replaced after a kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from lifecycle.outcome import Action
from stores.ledger.decisions import Decisions
from stores.ledger.leases import Leases
from stores.ledger.opening import open_ledger
from stores.ledger.schema import leases
from stores.settings import Settings
from tests.flows import toy

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from flows.supervise import supervise
from tests.flows import toy
from types import ModuleType
module = ModuleType("feature_repo.toy")
vars(module)["DEFINITION"] = toy.DEFINITION
sys.modules[module.__name__] = module
print("rounds", supervise.fn(period_seconds=float(sys.argv[1]), tick_seconds=0.1), flush=True)
"""


@pytest.fixture
def place(home: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Return settings on a ledger and a policy, with MLflow nowhere."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "toy.yaml").write_text(toy.POLICY, encoding="utf-8")
    monkeypatch.setenv("HOLDFAST_POLICIES", str(tmp_path / "policies"))
    monkeypatch.setenv("HOLDFAST_MLFLOW_URI", "http://127.0.0.1:9")
    open_ledger(home.ledger_address).dispose()
    return home


@pytest.fixture
def start() -> Iterator[Callable[[float], subprocess.Popen[str]]]:
    """Return what starts a supervisor for a period; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(period_seconds: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROGRAM, str(period_seconds)]
        begun = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ})
        started.append(begun)
        return begun

    yield begin
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def holder(place: Settings) -> str | None:
    """Return who holds the toy's lease."""
    engine = open_ledger(place.ledger_address)
    with engine.connect() as connection:
        found = connection.scalars(select(leases.c.holder).where(leases.c.name == "supervise:toy")).first()
    engine.dispose()
    return found


def wait_for(claim: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until a claim is true."""
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.1)


def test_second_supervisor_ends_without_a_word_and_sigterm_ends_the_first_cleanly(
    place: Settings, start: Callable[[float], subprocess.Popen[str]]
) -> None:
    """The lease is given back, so that the next one need not wait for it to lapse."""
    first = start(300)
    wait_for(lambda: holder(place) is not None)
    second = start(300)
    assert second.communicate(timeout=90)[0].strip().endswith("rounds 0")
    assert second.returncode == 0
    first.send_signal(signal.SIGTERM)
    told = first.communicate(timeout=30)[0]
    assert first.returncode == 0
    assert int(told.split("rounds ")[1]) > 0
    assert holder(place) is None


def test_killed_supervisor_is_replaced_when_its_lease_has_lapsed(
    place: Settings, start: Callable[[float], subprocess.Popen[str]]
) -> None:
    """Within half a minute, because the next one waits that long for it."""
    first = start(300)
    wait_for(lambda: holder(place) is not None)
    before = holder(place)
    first.kill()
    first.communicate()
    second = start(1)
    wait_for(lambda: holder(place) not in {before, None}, seconds=60)
    assert int(second.communicate(timeout=60)[0].split("rounds ")[1]) > 0
    engine = open_ledger(place.ledger_address)
    assert [made for made in Decisions(engine).of("toy") if made.action != Action.ALARM] == []
    with Leases(engine).hold("supervise:toy", wait_seconds=0):
        pass
    engine.dispose()
