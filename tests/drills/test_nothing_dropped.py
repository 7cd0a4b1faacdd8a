"""Requests from outside by the ten thousand, while everything is changed that can be changed."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest

from stores.prediction_log.shipper import adopt_orphans
from stores.prediction_log.table import PredictionLog
from tests.drills.failing_version import damage, write_failing_version
from tests.drills.flights import mixed_bodies
from tests.drills.gateway import REPLACED_SECONDS, Gateway, copied_policies
from tests.drills.load import Load, endless
from tests.drills.moves import advanced, canary, promoted, rolled_back
from tests.drills.release import redeploy
from tests.drills.sizes import size
from tests.serving.conftest import write_version
from tests.serving.test_server import until

REQUESTS = size(full=50_000, usual=20_000)
CONNECTIONS = 24
PER_SECOND = size(full=450, usual=250)
STAY_SECONDS = 1.5
"""How long each change stands under load before the next."""
FAILURES, FAILING_SECONDS = ("nan", "no answer within"), 120.0
"""How a canary that fails on a few rows does so, and within which time it has done both."""
FAILING, UNREADABLE, TAMPERED = "3", "4", "5"

pytestmark = [
    pytest.mark.timeout(900),
    # Feast's own classes, at import.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:feast.*"),
]


def test_no_request_fails_and_no_prediction_is_lost_or_doubled_whatever_changes(gateway: Gateway) -> None:
    """Each acknowledged id is in the log exactly once, shown, under the version that the client was told."""
    root = gateway.chosen.versions
    write_failing_version(root, FAILING)
    for version, say_so in ((UNREADABLE, True), (TAMPERED, False)):
        write_version(root, version)
        damage(root, version, say_so=say_so)
    chapters: dict[str, Callable[[Gateway], None]] = {
        "promote and roll back": _promote_and_roll_back,
        "canary and its steps": _canary_climbs,
        "canary that fails on some rows and hangs on others": _failing_canary,
        "replica killed": _kill_a_replica,
        "canaries that do not load": _canaries_that_do_not_load,
        "champion that does not load, and a replica killed under it": _champion_that_does_not_load,
        "redeployed with three replicas during a canary": _redeploy_with_three_during_a_canary,
        "redeployed with two replicas": partial(_redeploy, replicas=2),
    }
    with gateway.load(endless(mixed_bodies(6000)), CONNECTIONS, PER_SECOND) as load:
        for name, chapter in chapters.items():
            _told(name, chapter, gateway, load)
        until(lambda: len(load.answered) + len(load.failures) >= REQUESTS, 300)
    assert load.failures == []
    _compare_with_the_log(gateway, load)


def _told(name: str, chapter: Callable[[Gateway], None], gateway: Gateway, load: Load) -> None:
    began, answered, failed = time.monotonic(), len(load.answered), len(load.failures)
    chapter(gateway)
    time.sleep(STAY_SECONDS)
    versions = Counter(version for one in load.answered[answered:] for version in one.versions)
    slowest = max((one.received_at - one.sent_at for one in load.answered[answered:]), default=0.0)
    print(  # noqa: T201 - the drill's result
        f"{name}: {time.monotonic() - began:.0f} s, {len(load.answered) - answered} answered, "
        f"{len(load.failures) - failed} failed, slowest {slowest:.2f} s, rows by version {dict(versions)}"
    )


def _promote_and_roll_back(gateway: Gateway) -> None:
    gateway.followed(gateway.change("promote", promoted("2")).revision, versions=("1", "2"))
    time.sleep(STAY_SECONDS)
    gateway.followed(gateway.change("roll_back", rolled_back).revision)


def _canary_climbs(gateway: Gateway) -> None:
    gateway.followed(gateway.change("start_canary", canary("2", 0.1)).revision, versions=("1", "2"))
    for share in (0.3, 0.5):
        time.sleep(STAY_SECONDS)
        gateway.followed(gateway.change("advance", advanced(share)).revision, versions=("1", "2"))
    time.sleep(STAY_SECONDS)
    gateway.followed(gateway.change("promote", promoted("2")).revision, versions=("1", "2"))


def _failing_canary(gateway: Gateway) -> None:
    gateway.followed(gateway.change("start_canary", canary(FAILING, 0.5)).revision, versions=(FAILING,))
    until(lambda: all(any(how in error for error in _errors(gateway)) for how in FAILURES), FAILING_SECONDS)
    gateway.followed(gateway.change("roll_back", rolled_back).revision)


def _errors(gateway: Gateway) -> list[str]:
    sql = f"SELECT error FROM predictions WHERE version = '{FAILING}' AND outcome = 'failed'"
    return [str(row["error"]) for row in PredictionLog(gateway.chosen.prediction_log).query(sql)]


def _kill_a_replica(gateway: Gateway) -> None:
    """Return when another one has taken its place and follows the plan that could be followed last."""
    newest = max(gateway.reports(), key=lambda report: report.reported_at)
    before = gateway.replicas()
    next(iter(before.values())).kill()
    killed_at = datetime.now(UTC)
    until(lambda: len(set(gateway.replicas()) & set(before)) == 1, 60)
    gateway.followed(newest.plan_revision, since=killed_at)
    assert len(gateway.replicas()) == 2


def _canaries_that_do_not_load(gateway: Gateway) -> None:
    for version in (UNREADABLE, TAMPERED):
        gateway.followed(gateway.change("start_canary", canary(version, 0.3)).revision)
        gateway.left_out_everywhere(version)
        gateway.followed(gateway.change("roll_back", rolled_back).revision)


def _champion_that_does_not_load(gateway: Gateway) -> None:
    """The version before it answers on, also from a replica that starts anew; then the plan is taken back."""
    for version in (UNREADABLE, TAMPERED):
        before = gateway.plan()
        gateway.change("promote", promoted(version))
        time.sleep(STAY_SECONDS)
        if version == UNREADABLE:
            _kill_a_replica(gateway)
            time.sleep(STAY_SECONDS)
        back = gateway.change("roll_back", rolled_back)
        assert back.champion == before.champion
        gateway.followed(back.revision)


def _redeploy_with_three_during_a_canary(gateway: Gateway) -> None:
    gateway.followed(gateway.change("start_canary", canary("1", 0.3)).revision, versions=("1", "2"))
    _redeploy(gateway, replicas=3)
    time.sleep(STAY_SECONDS)
    gateway.followed(gateway.change("roll_back", rolled_back).revision)


def _redeploy(gateway: Gateway, replicas: int) -> None:
    """Replace every replica, and have so many from then on, which stand as the plan says."""
    copied_policies(gateway.chosen.policies, replicas)
    before = set(gateway.replicas())
    redeploy(gateway)
    until(lambda: len(gateway.replicas()) == replicas and not before & set(gateway.replicas()), REPLACED_SECONDS)
    plan = gateway.plan()
    gateway.followed(plan.revision, replicas, plan.versions(), since=datetime.now(UTC))


def _compare_with_the_log(gateway: Gateway, load: Load) -> None:
    told = {
        prediction: version
        for one in load.answered
        for prediction, version in zip(one.prediction_ids, one.versions, strict=True)
    }
    assert len(told) == sum(len(one.prediction_ids) for one in load.answered)
    adopt_orphans(gateway.chosen.prediction_log)
    log = PredictionLog(gateway.chosen.prediction_log)
    sql = "SELECT prediction_id, version, shown, outcome, error, pairs_with FROM predictions"
    until(lambda: told.keys() <= set(log.query_table(sql)["prediction_id"].to_pylist()), 60)
    rows = log.query(sql)
    times = Counter(row["prediction_id"] for row in rows)
    assert max(times.values()) == 1
    shown = {row["prediction_id"]: row["version"] for row in rows if row["shown"] and row["outcome"] == "answered"}
    assert {one: shown.get(one) for one in told} == told
    failed = [row for row in rows if row["version"] == FAILING and row["outcome"] == "failed"]
    assert all(any(how in row["error"] for row in failed) for how in FAILURES)
    assert not any(row["shown"] for row in failed)
    assert {row["pairs_with"] for row in failed} <= shown.keys()
    print(f"{len(load.answered)} requests, {len(told)} rows, {len(failed)} failed attempts of a canary")  # noqa: T201 - as above
