"""A whole look on real stores: what was served, counted and stored, against the version's own baseline."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from flows.training.package import draw_profile
from flows.training.rows import Rows, training_rows
from flows.training.window import TrainingWindow
from flows.watching.looking import Looked, look_at
from flows.watching.watcher import Watcher
from lifecycle.alarms import AlarmKind
from lifecycle.errors import EvidenceMissing
from lifecycle.log_policy import LogPolicy
from lifecycle.plan import empty_plan
from lifecycle.policy import Policy
from lifecycle.verdict import Decision, Verdict
from stores.clock import ReplayClock
from stores.events import EventStore
from stores.ledger.alarms import Alarms
from stores.ledger.baselines import Baseline, Baselines
from stores.ledger.captures import Capture, Captures
from stores.ledger.looks import Looks
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.progress import Batch, Progress
from stores.policies import read_policy
from stores.prediction_log.segment import SegmentWriter
from stores.prediction_log.shipper import adopt_orphans
from stores.settings import Settings
from tests.flows import toy
from tests.stores.prediction_log.answered import batch_of

NOW = toy.START + timedelta(days=10)
SERVED = datetime(2026, 3, 1, 12, tzinfo=UTC)
CENTIMETRES = np.array([2.54, 1, 1], dtype=np.float32)
Change = Callable[[np.ndarray], np.ndarray]


@dataclass
class Stand:
    """The toy's champion with a baseline, its log, and the people who would be called."""

    config: Settings
    watcher: Watcher
    pages: list[Decision]
    asked: list[str]
    progress: Progress
    numbers: list[int] = field(default_factory=lambda: [0])

    def serve(self, days: int = 7, change: Change = lambda matrix: matrix, **columns: object) -> None:
        """Log 200 answers for each of the last days, their features changed alike."""
        writer = SegmentWriter(self.config.prediction_log, f"r{self.numbers[0]}")
        for day in range(days):
            rng = np.random.default_rng(100 + day)
            features = _features(rng, 200)
            changed = change(features.copy())
            begin = NOW - timedelta(days=day + 1)
            writer.append(batch_of([self._row(begin, row, rng, **columns) for row in changed]))
        writer.close()
        adopt_orphans(self.config.prediction_log)

    def look(self) -> Looked:
        """Look once."""
        return look_at(self.watcher)

    def kinds(self) -> set[tuple[AlarmKind, str]]:
        """Return what the standing alarms are about."""
        return {(one.concern.kind, one.concern.subject) for one in Alarms(self.watcher.engine).standing("toy")}

    def _row(self, begin: datetime, row: np.ndarray, rng: np.random.Generator, **columns: object) -> dict[str, object]:
        self.numbers[0] += 1
        request = {
            "unit": f"u{rng.integers(20)}",
            "site": "north",
            "load": float(row[2]),
            "asked_at": "2020-01-02T00:00:00Z",
        }
        return {
            "prediction_id": f"w{self.numbers[0]}",
            "example_id": f"e{self.numbers[0]}",
            "model": "toy",
            "version": "1",
            "contract": "toy_v1",
            "arm": "champion",
            "tier": "model",
            "served_at": SERVED,
            "moment_at": begin + float(rng.choice([0.5, 12.5, 23.5])) * timedelta(hours=1),
            "request": json.dumps(request),
            "features": row.astype(np.float32).tolist(),
            "defaulted": [],
            "feature_at": [begin],
            "score": float(rng.beta(2, 5)),
            "decision": "on",
            "outcome": "answered",
            "shown": True,
            **columns,
        }


def _features(rng: np.random.Generator, rows: int) -> np.ndarray:
    return np.column_stack([rng.normal(size=rows), rng.random(rows), rng.normal(size=rows)]).astype(np.float32)


@pytest.fixture
def stand(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Stand:
    """Return a champion whose baseline was drawn from rows like those that are served."""
    engine = open_ledger(home.ledger_address)
    progress = Progress(engine)
    progress.set_replay(NOW)
    Plans(engine).write(empty_plan("toy").promote("1", toy.START), toy.START)
    rows = _learned(4000)
    window = TrainingWindow(toy.START, toy.START + timedelta(days=3), NOW, NOW)
    scores = np.random.default_rng(5).beta(2, 5, size=4000)
    profile = draw_profile(toy.DEFINITION, training_rows(window, rows, rows), scores)
    Baselines(engine).keep(Baseline("toy", "1", profile, None, "version", toy.START))
    pages: list[Decision] = []
    asked: list[str] = []
    watcher = Watcher(
        definition=toy.DEFINITION,
        policy=_policy(tmp_path_factory),
        config=home,
        engine=engine,
        clock=ReplayClock(progress),
        page=pages.append,
        ask_for_training=lambda _model, cause, _reason, _key: asked.append(cause),
    )
    store = EventStore(home.events)
    for stream in toy.DEFINITION.streams:
        store.merge("toy", stream.name, stream.key, stream.read(toy.START, NOW))
        progress.record_batch(_batch(stream.name, accepted=True))
    for flow in ("ingest", "materialize"):
        progress.advance(f"{flow}:toy", NOW)
    return Stand(home, watcher, pages, asked, progress)


def _learned(count: int) -> Rows:
    """Return rows like those that are served, of twenty days."""
    rows, rng = toy.some_rows(count), np.random.default_rng(9)
    moments = pd.date_range(toy.START - timedelta(days=20), toy.START, periods=count, unit="us")
    units = [f"u{unit}" for unit in rng.integers(20, size=count)]
    return replace(rows, frame=rows.frame.assign(event_timestamp=moments, unit=units))


def _policy(folders: pytest.TempPathFactory) -> Policy:
    path = folders.mktemp("policies") / "toy.yaml"
    path.write_text(toy.POLICY, encoding="utf-8")
    policy = read_policy(path)
    drift = policy.watching.drift.model_copy(update={"features_alone": "note", "then": "retrain"})
    return policy.model_copy(update={"watching": policy.watching.model_copy(update={"drift": drift})})


def _batch(stream: str, *, accepted: bool, reason: str = "all rows accepted") -> Batch:
    at, recorded = NOW - timedelta(hours=1), NOW + timedelta(hours=not accepted)
    return Batch(f"{stream}{accepted}", "toy", stream, at, NOW, 10, 10 * accepted, 0, accepted, reason, 0.1, recorded)


def test_a_world_that_stays_raises_nothing_and_every_part_has_its_word(stand: Stand) -> None:
    """The look is kept, with each column's figures for metrics and people."""
    stand.serve()
    looked = stand.look()
    assert not stand.kinds()
    assert not stand.pages
    (kept,) = Looks(stand.watcher.engine).newest("toy")
    assert (kept.rows, kept.version) == (1400, "1")
    assert kept.look_id == looked.look.look_id
    columns = kept.evidence["columns"]
    assert isinstance(columns, list)
    assert {column["column"] for column in columns} >= {"level", "asked_load", "site", "score", "label"}
    assert kept.evidence["freshness_hours"] is not None
    rules = {finding.rule_id for finding in kept.findings}
    assert {"intake:asks", "intake:ingest", "outputs", "stale:unit_state", "quality"} <= rules


def test_a_unit_change_in_one_column_is_named_and_noted_while_nothing_else_moves(stand: Stand) -> None:
    """Nobody is called for it, as the policy says."""
    stand.serve(change=lambda matrix: matrix * CENTIMETRES)
    looked = stand.look()
    assert stand.kinds() == {(AlarmKind.DRIFT, "level")}
    assert looked.look.verdict is Verdict.FAIL
    assert "noted, without a sign of harm: level" in looked.look.reason
    assert not stand.pages


def test_the_same_beside_scores_that_moved_calls_people_and_a_training(stand: Stand) -> None:
    """One call for both, once."""
    stand.serve(change=lambda matrix: matrix * CENTIMETRES, score=0.95)
    stand.look()
    stand.look()
    assert stand.kinds() == {(AlarmKind.DRIFT, "level"), (AlarmKind.SCORES, "score")}
    (decision,) = stand.pages
    assert {finding.rule_id for finding in decision.findings} == {"drift:level", "scores:score"}
    assert stand.asked == ["drift"]


def test_an_upstream_column_that_disappears_is_an_alarm_within_one_look(stand: Stand) -> None:
    """Named, dated to the first day without it, and closed once it is back."""
    stand.serve(days=2, defaulted=["level"])
    stand.look()
    assert (AlarmKind.MISSING, "level") in stand.kinds()
    (alarm,) = [one for one in Alarms(stand.watcher.engine).standing("toy") if one.concern.kind is AlarmKind.MISSING]
    assert alarm.concern.onset_at == NOW - timedelta(days=2)
    assert [decision.decision_id for decision in stand.pages] == [alarm.decision_id]


def test_a_morning_is_no_sample_of_days(stand: Stand) -> None:
    """However many answers it has: a look waits for a day of them."""
    stand.serve(days=1, defaulted=["level"], moment_at=NOW - timedelta(hours=1))
    looked = stand.look()
    assert not stand.kinds()
    (word,) = [one for one in looked.look.findings if one.rule_id == "drift"]
    assert word.verdict is Verdict.INCONCLUSIVE
    assert "0 answers in 0 whole days" in word.reason


def test_a_few_days_are_no_sample_of_weeks(stand: Stand) -> None:
    """What moved otherwise waits for the window to be full; what vanished does not."""
    stand.serve(days=3, change=lambda matrix: matrix * CENTIMETRES)
    looked = stand.look()
    assert not stand.kinds()
    (word,) = [one for one in looked.look.findings if one.rule_id == "drift"]
    assert "answers of 3 whole days, and weekdays differ" in word.reason


def test_two_days_at_the_ends_of_a_week_are_no_week(stand: Stand) -> None:
    """A version that serves again after days away has no week of answers."""
    stand.serve(days=1, change=lambda matrix: matrix * CENTIMETRES)
    stand.serve(days=1, moment_at=NOW - timedelta(days=6, hours=23))
    looked = stand.look()
    (word,) = [one for one in looked.look.findings if one.rule_id == "drift"]
    assert "answers of 2 whole days, and weekdays differ" in word.reason


def test_each_way_in_which_a_column_moved_has_its_own_onset(stand: Stand) -> None:
    """Values that moved of late do not hide since when most are missing."""
    stand.serve(defaulted=["level"])
    stand.serve(days=2, change=lambda matrix: matrix * CENTIMETRES)
    stand.look()
    standing = Alarms(stand.watcher.engine).standing("toy")
    onsets = {one.concern.kind: one.concern.onset_at for one in standing if one.concern.subject == "level"}
    assert onsets[AlarmKind.MISSING] == NOW - timedelta(days=7)
    assert onsets[AlarmKind.DRIFT] == NOW - timedelta(days=2)


def test_days_of_a_gap_close_no_alarm(stand: Stand) -> None:
    """What was called moved over whole weeks stands until whole weeks say otherwise."""
    stand.serve(change=lambda matrix: matrix * CENTIMETRES)
    stand.look()
    stand.progress.set_replay(NOW + timedelta(days=4))
    stand.look()
    assert (AlarmKind.DRIFT, "level") in stand.kinds()


def test_codes_that_were_never_seen_call_people_whatever_else_stays(stand: Stand) -> None:
    """A swapped category code is no matter for a training."""
    stand.serve(request=json.dumps({"unit": "u1", "site": "nord", "load": 0.1, "asked_at": "2020-01-02T00:00:00Z"}))
    stand.look()
    assert (AlarmKind.UNSEEN, "site") in stand.kinds()
    assert any("site" in decision.reason for decision in stand.pages)


def test_what_the_log_hides_is_no_move(stand: Stand) -> None:
    """Hashes were never seen and dropped features are missing, and neither says anything of the world."""
    request = {"unit": "u1", "site": "9f86d081", "load": 0.1, "asked_at": "2020-01-02T00:00:00Z"}
    kept = LogPolicy.model_validate(
        {
            "fields": [{"name": "site", "keep": "hash", "because": "So it is."}],
            "dropped_features": [{"name": "level", "because": "So it is."}],
        }
    )
    hiding = replace(stand.watcher, policy=stand.watcher.policy.model_copy(update={"log": kept}))
    stand.watcher = hiding
    stand.serve(request=json.dumps(request), features=[None, 0.5, 0.1])
    looked = stand.look()
    assert not {subject for _, subject in stand.kinds()} & {"site", "level"}
    columns = looked.look.evidence["columns"]
    assert isinstance(columns, list)
    assert not {column["column"] for column in columns} & {"site", "level"}


def test_a_refused_stream_and_a_flow_that_stands_still_are_named(stand: Stand) -> None:
    """With what the refusal said."""
    stand.serve()
    stand.progress.record_batch(_batch("asks", accepted=False, reason="the column load is missing"))
    stand.progress.set_replay(NOW + timedelta(hours=8))
    looked = stand.look()
    assert {(AlarmKind.INTAKE, name) for name in ("asks", "ingest", "materialize")} <= stand.kinds()
    assert "the column load is missing" in looked.look.reason


def test_too_few_answers_are_no_word_on_drift_and_close_no_alarm(stand: Stand) -> None:
    """What stood before stands."""
    stand.serve(days=2, defaulted=["level"])
    stand.look()
    stand.progress.set_replay(NOW + timedelta(days=30))
    looked = stand.look()
    assert (AlarmKind.MISSING, "level") in stand.kinds()
    assert any(one.verdict is Verdict.INCONCLUSIVE and one.rule_id == "drift" for one in looked.look.findings)


@pytest.mark.parametrize("step", ["Alarms.apply", "Looks.record", "Alarms.call", "Alarms.mark_told"])
def test_a_look_that_was_killed_anywhere_calls_nobody_twice(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The next one finishes what it began."""
    stand.serve(days=2, defaulted=["level"])
    owner, name = step.split(".")
    module = {"Alarms": "alarms", "Looks": "looks"}[owner]

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"stores.ledger.{module}.{owner}.{name}", killed)
        with pytest.raises(KeyboardInterrupt):
            stand.look()
    stand.look()
    stand.look()
    alarms = Alarms(stand.watcher.engine).all("toy")
    assert len(alarms) == len(stand.kinds()) > 0
    assert all(alarm.told for alarm in alarms)
    assert {decision.decision_id for decision in stand.pages} == {alarm.decision_id for alarm in alarms}


def test_a_breaker_that_opened_and_closed_is_told_by_the_look_after_a_killed_one(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the killed look saw is not hidden from the next by having been seen."""
    monkeypatch.setattr("flows.watching.outputs.ON_ITS_WAY", timedelta(0))
    stand.look()
    opened_at = datetime.now(UTC)
    stopped = Capture("c1", "toy", "1", "champion", "r1", "the mean fell", 1, "c1", {}, opened_at, opened_at)
    Captures(stand.watcher.engine).keep(stopped)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("stores.ledger.alarms.Alarms.call", killed)
        with pytest.raises(KeyboardInterrupt):
            stand.look()
    stand.look()
    assert [decision.action for decision in stand.pages] == ["alarm"]
    assert (AlarmKind.OUTPUTS, "champion") in stand.kinds()


def test_without_a_champion_there_is_nothing_to_look_at(stand: Stand) -> None:
    """Said, and nothing stored."""
    plan = Plans(stand.watcher.engine).current("toy")
    assert plan.champion == "1"
    other = stand.watcher.policy.model_copy(update={"model": "other"})
    with pytest.raises(EvidenceMissing, match="no version of other serves"):
        look_at(Watcher(**{**vars(stand.watcher), "policy": other}))
