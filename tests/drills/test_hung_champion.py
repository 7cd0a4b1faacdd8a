"""A champion that never comes back from some requests: they are answered in time, and it is taken back by itself."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from feature_repo.definition import load_definition
from flows.supervision.desk import open_desk
from flows.supervision.tick import tick
from lifecycle.outcome import StageChange
from lifecycle.rollout import decide_rollout
from lifecycle.stages import Stage
from lifecycle.verdict import Decision, Verdict
from serving.watchdog import HANG_SECONDS
from stores.ledger.changes import Changes
from stores.ledger.decisions import Decisions
from stores.ledger.standings import Standings
from stores.policies import load_policy
from stores.prediction_log.shipper import adopt_orphans
from stores.prediction_log.table import PredictionLog
from stores.versions import Versions
from tests.drills.failing_version import FOREVER, write_failing_version
from tests.drills.flights import ENDLESS_MILES, body, planes
from tests.drills.gateway import PATH, Gateway
from tests.drills.load import endless
from tests.serving.conftest import MODEL, flight
from tests.serving.test_server import until

GOOD, HANGING = "1", "7"
LIMIT_SECONDS = 60.0
TICK_SECONDS = 2.0

pytestmark = [
    pytest.mark.timeout(400),
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


@dataclass
class Seen:
    """What ticks raised, and what replicas said that were not ready."""

    errors: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


def test_champion_that_hangs_is_taken_back_and_its_request_answered_without_a_person(gateway: Gateway) -> None:
    """The version before answers that very request within the policy's deadline, and no other one fails."""
    before = set(gateway.replicas())
    deadline_seconds = load_policy(gateway.chosen.policies, MODEL).tiers.deadline_ms / 1000
    write_failing_version(gateway.chosen.versions, HANGING, turns=FOREVER)
    _crown(gateway)
    usual = [body([flight(tail_number=tail)]) for tail in planes(200)]
    with gateway.load(endless(usual), connections=8, per_second=40) as load, _supervised(gateway) as seen:
        until(lambda: sum(HANGING in one.versions for one in load.answered) >= 20, 60)
        asked_at = time.monotonic()
        address = gateway.chosen.http_address + PATH
        rows = [flight(distance_miles=ENDLESS_MILES)]
        answer = httpx.post(
            address, json={"rows": rows}, headers={"x-request-id": "endless"}, timeout=3 * LIMIT_SECONDS
        )
        seconds = time.monotonic() - asked_at
        until(lambda: list(load.answered[-1].versions) == [GOOD], LIMIT_SECONDS)
        back_seconds = time.monotonic() - asked_at
        answered = len(load.answered)
        until(lambda: len(load.answered) >= answered + 100, 60)
    assert (answer.status_code, answer.json()["version"]) == (200, GOOD), answer.text
    assert answer.json()["predictions"][0]["tier"] == "previous"
    assert seconds <= deadline_seconds
    assert HANG_SECONDS <= back_seconds <= LIMIT_SECONDS
    assert load.failures == []
    assert {version for one in load.answered[-80:] for version in one.versions} == {GOOD}
    assert seen.errors == []
    assert set(gateway.replicas()) == before
    (taken_back,) = [made for made in Decisions(gateway.engine).of(MODEL) if made.action == "roll_back"][:1]
    assert (taken_back.version, taken_back.actor) == (HANGING, "flow:supervise")
    assert "hung: 1 row without scores" in taken_back.reason
    _on_record(gateway)
    told = (
        f"a request that hangs: answered by version {GOOD} after {seconds:.2f} s, taken back after {back_seconds:.1f} s"
    )
    print(f"{told}; {taken_back.reason}")  # noqa: T201 - the drill's result


def _on_record(gateway: Gateway) -> None:
    """See the request in the log as a failed attempt of the version, and as what it got in the end."""

    def logged() -> list[tuple[str, str]]:
        adopt_orphans(gateway.chosen.prediction_log)
        log = PredictionLog(gateway.chosen.prediction_log)
        rows = log.query("SELECT version, outcome FROM predictions WHERE request_id = 'endless' ORDER BY shown")
        return [(str(row["version"]), str(row["outcome"])) for row in rows]

    until(lambda: len(logged()) >= 2, 60)
    assert logged() == [(HANGING, "failed"), (GOOD, "answered")]


def _crown(gateway: Gateway) -> None:
    """Make the version that hangs champion, with its stages, as `supervise` does."""
    now, plan, standings = datetime.now(UTC), gateway.plan(), Standings(gateway.engine)
    versions = Versions(gateway.chosen.versions, None)
    for version in (GOOD, HANGING):
        standings.meet(MODEL, version, versions.open(MODEL, version).manifest, now)
    moves = (
        StageChange(GOOD, Stage.CHAMPION),
        StageChange(GOOD, Stage.RETIRED),
        StageChange(HANGING, Stage.CHAMPION),
    )
    told = Decision(
        uuid4().hex, MODEL, HANGING, "promote", Verdict.PASS, "a drill", (), "drill", plan.revision, "drill", now
    )
    following = plan.promote(HANGING, now)
    Changes(gateway.engine).apply(told, now, following, moves)
    gateway.followed(following.revision, versions=(GOOD, HANGING))


@contextmanager
def _supervised(gateway: Gateway) -> Iterator[Seen]:
    """Tick as `supervise` does, and look at the replicas' reports."""
    desk = open_desk(
        MODEL, gateway.chosen, gateway.engine, decide_rollout, lambda _: None, definition=load_definition(MODEL)
    )
    seen = Seen()
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(TICK_SECONDS):
            try:
                tick(desk)
            except Exception as error:  # noqa: BLE001 - the test says what was raised
                seen.errors.append(f"{type(error).__name__}: {error}")
            seen.silent.extend(report.detail for report in gateway.reports() if not report.ready)

    thread = threading.Thread(target=run, name="supervise")
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
