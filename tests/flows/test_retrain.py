"""The retraining flow on real parts, stopped at every point on its way and started again."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from sqlalchemy import Engine

from expectations.kinds import Column
from feature_repo.feast_store import open_feature_store
from flows.materialize import build_window
from flows.retrain import RetrainSummary, retrain, retrain_model
from flows.retraining import carrying_out
from flows.train import train_model
from flows.training.promotion import Promotion
from lifecycle.alarms import AlarmKind, Concern
from lifecycle.contract import FieldType
from lifecycle.errors import DataRejected, InvalidInput, Unavailable
from lifecycle.stages import Stage
from lifecycle.training import Cause, Training, TrainingState
from stores.events import EventStore
from stores.ledger.alarms import Alarms
from stores.ledger.changes import Changes
from stores.ledger.decisions import Decisions
from stores.ledger.labels import PeoplesLabels, Word
from stores.ledger.opening import open_ledger
from stores.ledger.plans import Plans
from stores.ledger.progress import Progress
from stores.ledger.standings import Standings
from stores.ledger.trainings import Trainings
from stores.prediction_log.delta import table_folder
from stores.prediction_log.schema import SCHEMA
from stores.registry import Registry
from stores.settings import Settings, settings
from tests.flows import toy

pytestmark = [
    # Three libraries warn when they are imported: Google's for Great Expectations, that one itself, and MLflow.
    pytest.mark.filterwarnings("ignore:Please install grpcio-status:ImportWarning"),
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
QUICK = (("rounds: 40", "rounds: 4"), ("by_at_least: 0.05", "by_at_least: 0.0"))


class Killed(BaseException):
    """A process that ended without a word."""


class Factory:
    """One test's ledger, registry and policy, over events and features that all tests share."""

    def __init__(self, config: Settings, engine: Engine) -> None:
        self.config, self.engine = config, engine
        self.policy()

    def policy(self, *changes: tuple[str, str]) -> None:
        """Write the toy's policy, of a booster that is grown at once, with some lines changed."""
        text = toy.POLICY
        for old, new in (*QUICK, *changes):
            assert old in text
            text = text.replace(old, new)
        (self.config.policies / "toy.yaml").write_text(text, encoding="utf-8")

    def champion(self, days: float = 7) -> str:
        """Train a first champion some days before the end of the events, and come to the end."""
        progress = Progress(self.engine)
        progress.set_replay(toy.END - timedelta(days=days))
        version = train_model("toy", self.config, self.engine).version
        progress.set_replay(toy.END)
        return version

    def alarm(self, kind: AlarmKind = AlarmKind.DRIFT, now: datetime = toy.END) -> None:
        """Have a look find something that asks for retraining."""
        found = [Concern(kind, "level", "retrain", 0.4, 0.1, "PSI 0.4 is above 0.1", now - timedelta(hours=5))]
        Alarms(self.engine).apply("toy", "1", judged=frozenset({kind}), concerns=found, now=now)

    def run(self, **options: Any) -> RetrainSummary:
        """Take one turn of the flow."""
        return retrain_model("toy", self.config, self.engine, **options)

    def trainings(self) -> tuple[Training, ...]:
        """Return the ledger's trainings."""
        return Trainings(self.engine).of("toy")

    def registry(self) -> Registry:
        """Return the registry."""
        return Registry(self.config.mlflow_address)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a state folder with twenty days of events and their features."""
    home = tmp_path_factory.mktemp("home")
    events = EventStore(home / "events")
    for stream in toy.DEFINITION.streams:
        events.merge("toy", stream.name, stream.key, stream.read(toy.START, toy.END))
    stored = {stream.name: events.load("toy", stream.name) for stream in toy.DEFINITION.streams}
    store = open_feature_store(toy.DEFINITION, home / "features")
    build_window(toy.DEFINITION, store, stored, start=toy.START - timedelta(days=1), end=toy.END)
    return home


@pytest.fixture(scope="module")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a registry's database that holds its tables and nothing else: making them takes seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    Registry(f"sqlite:///{folder / 'mlflow.db'}").listed("toy")
    return folder / "mlflow.db"


@pytest.fixture
def factory(shared: Path, empty_registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Factory]:
    """Return a factory with an empty ledger and registry, whose clock stands at the end of the events."""
    toy.install(monkeypatch)
    (tmp_path / "mlflow.db").write_bytes(empty_registry.read_bytes())
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOLDFAST_POLICIES", str(tmp_path))
    monkeypatch.setenv("HOLDFAST_LEDGER_URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    monkeypatch.setenv("HOLDFAST_MLFLOW_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    (tmp_path / "home").mkdir()
    for part in ("events", "features"):
        (tmp_path / "home" / part).symlink_to(shared / part)
    settings.cache_clear()
    engine = open_ledger(settings().ledger_address)
    progress = Progress(engine)
    progress.set_replay(toy.END)
    for flow in ("ingest", "materialize"):
        progress.advance(f"{flow}:toy", toy.END)
    yield Factory(settings(), engine)
    engine.dispose()
    settings.cache_clear()


def test_an_alarm_that_asks_becomes_one_judged_version_that_waits_for_shadow(factory: Factory) -> None:
    """Asked by event and by schedule, it is trained once; it earns its place as any other version does."""
    champion = factory.champion()
    factory.alarm()
    summary = factory.run()
    (training,) = summary.trainings
    assert factory.trainings() == (training,)
    assert (training.cause, training.state, training.attempts) == (Cause.DRIFT, TrainingState.ENDED, 1)
    assert training.alarms == tuple(alarm.alarm_id for alarm in Alarms(factory.engine).standing("toy"))
    assert training.reason == "drift of level: PSI 0.4 is above 0.1"
    assert (training.asked_at, training.started_at, training.ended_at) == (toy.END, toy.END, toy.END)
    assert training.version is not None
    tags = factory.registry().tags("toy", training.version)
    assert (tags["training_id"], tags["training_cause"]) == (training.training_id, "drift")
    outcome = f"{Decisions(factory.engine).actions('toy', training.version)[0]}: "
    assert (training.outcome or "").startswith(outcome)
    assert Plans(factory.engine).current("toy").champion == champion
    again = factory.run()
    assert again.trainings == ()
    assert again.reason.endswith("but the last training was 0.0 days ago; cool_down_days is 7")
    assert len(factory.registry().versions("toy")) == 2


KILLS = {
    "before-it-began": (carrying_out, "_begin"),
    "while-training": ("flows.train", "grow_candidate"),
    "while-registering": ("flows.train", "register_candidate"),
    "registered": (Promotion, "judge"),
    "while-judging": (Changes, "apply"),
    "judged": (Promotion, "_mirror"),
    "before-it-is-closed": (carrying_out, "_close"),
}


def _kill(monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    place, name = KILLS[point]

    def die(*_: object, **__: object) -> None:
        raise Killed

    if isinstance(place, str):
        monkeypatch.setattr(f"{place}.{name}", die)
    else:
        monkeypatch.setattr(place, name, die)


@pytest.mark.parametrize("point", KILLS)
def test_a_flow_that_is_killed_and_started_again_makes_one_version(
    factory: Factory, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """Wherever it was stopped: one training on record, one version, judged once, and no tag left behind."""
    factory.alarm()
    with monkeypatch.context() as dying:
        _kill(dying, point)
        with pytest.raises(Killed):
            factory.run()
    assert factory.trainings()[0].state in {TrainingState.ASKED, TrainingState.STARTED}
    factory.run()
    (training,) = factory.trainings()
    assert training.state is TrainingState.ENDED
    tagged = [one for one in factory.registry().listed("toy") if "training_id" in one.tags]
    assert [one.version for one in tagged] == [training.version]
    assert tagged[0].tags["gate"] in {"passed", "failed"}
    assert len(Decisions(factory.engine).actions("toy", str(training.version))) == 1
    assert factory.run().trainings == ()


def test_a_training_that_is_killed_twice_is_given_up(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What kills its process each time must not do so every day; the training still counts for the cool-down."""
    factory.alarm()
    with monkeypatch.context() as dying:
        _kill(dying, "while-training")
        for _ in range(2):
            with pytest.raises(Killed):
                factory.run()
    summary = factory.run()
    (training,) = factory.trainings()
    assert (training.state, training.attempts, training.version) == (TrainingState.FAILED, 2, None)
    assert training.outcome == "it was stopped 2 times before a version was registered; it is not begun again"
    assert "cool_down_days is 7" in summary.reason


def test_a_training_that_breaks_after_its_version_was_registered_keeps_it(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the version would be on trial while another training for the same alarm begins beside it."""
    factory.alarm()
    place, name = KILLS["registered"]

    def breaks(*_: object, **__: object) -> None:
        raise OSError("database is locked")

    with monkeypatch.context() as broken:
        if isinstance(place, str):
            broken.setattr(f"{place}.{name}", breaks)
        else:
            broken.setattr(place, name, breaks)
        with pytest.raises(OSError, match="locked"):
            factory.run()
    (left,) = factory.trainings()
    assert (left.state, left.version, left.outcome) == (TrainingState.STARTED, "1", "OSError: database is locked")
    factory.run()
    (training,) = factory.trainings()
    assert (training.state, training.version) == (TrainingState.ENDED, "1")


def test_a_version_left_by_a_training_by_hand_is_judged_by_the_next_run(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a version that only a tag keeps away."""
    with monkeypatch.context() as dying:
        _kill(dying, "registered")
        with pytest.raises(Killed):
            factory.champion(days=0)
    assert factory.registry().tags("toy", "1")["gate"] == "pending"
    factory.run()
    assert Plans(factory.engine).current("toy").champion == "1"
    assert factory.registry().tags("toy", "1")["gate"] == "passed"


def test_a_version_left_behind_that_cannot_be_measured_is_rejected_with_the_reason(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows are refused by now, so nothing can be said for it."""
    with monkeypatch.context() as dying:
        _kill(dying, "registered")
        with pytest.raises(Killed):
            factory.champion(days=0)

    def refused(*_: object, **__: object) -> None:
        raise DataRejected("the training set of toy is refused")

    monkeypatch.setattr("flows.training.workbench.gather_rows", refused)
    assert factory.run().trainings == ()
    standing = Standings(factory.engine).get("toy", "1")
    assert standing.stage is Stage.REJECTED
    assert standing.reason == (
        "its training was stopped before it was judged, and now it cannot be: the training set of toy is refused"
    )
    assert factory.registry().tags("toy", "1")["gate"] == "failed"


def test_a_registry_that_is_away_puts_the_training_off(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no fault of the training: it stays asked for, counts for nothing, and is carried out by the next run."""
    factory.alarm()

    def away(*_: object) -> None:
        raise Unavailable("the registry is down")

    with monkeypatch.context() as down:
        down.setattr(Registry, "listed", away)
        (put_off,) = factory.run().trainings
    assert (put_off.state, put_off.outcome) == (TrainingState.ASKED, "the registry is down")
    (training,) = factory.run().trainings
    assert (training.training_id, training.state) == (put_off.training_id, TrainingState.ENDED)
    assert training.attempts == 1


def test_too_little_data_holds_a_training_and_counts_for_nothing(factory: Factory) -> None:
    """It is asked for again by the next run, in the place of the one that was held."""
    factory.policy(("minimum_rows: 500", "minimum_rows: 500000"))
    factory.alarm()
    (held,) = factory.run().trainings
    assert held.state is TrainingState.HELD
    assert "its policy needs 500000" in str(held.outcome)
    factory.policy()
    (training,) = factory.run().trainings
    assert (training.training_id, training.state) == (held.training_id, TrainingState.ENDED)
    assert len(factory.trainings()) == 1


def test_a_training_that_fails_is_on_record_and_is_not_tried_again_at_once(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flow run fails for people to see, and the cool-down holds as for any other training."""
    factory.alarm()
    toy.install(monkeypatch, {**toy.COLUMNS, "absent": Column(FieldType.NUMBER)})
    with pytest.raises(DataRejected):
        factory.run()
    (training,) = factory.trainings()
    assert training.state is TrainingState.FAILED
    assert str(training.outcome).startswith("DataRejected: the training set of toy is refused")
    assert "cool_down_days is 7" in factory.run().reason


def test_a_person_is_heard_once_for_each_key_and_whatever_the_limits(factory: Factory) -> None:
    """A run that Prefect starts twice trains once; another wish is another training."""
    factory.champion(days=0)
    for _ in range(2):
        retrain.fn("toy", "person", "the airport was rebuilt", "first")
    retrain.fn("toy", "person", "and its runways", "second")
    assert {(one.cause, one.reason) for one in factory.trainings()} == {
        (Cause.PERSON, "the airport was rebuilt"),
        (Cause.PERSON, "and its runways"),
    }
    assert len(factory.trainings()) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cause": "boredom"}, "cause is 'boredom'; allowed: quality, drift, labels, schedule, person"),
        ({"model": "toy", "cause": "person"}, "give `model` and `reason`"),
        ({"cause": "person", "reason": "why not"}, "give `model` and `reason`"),
    ],
)
def test_what_nobody_can_follow_is_refused(options: dict[str, str], words: str) -> None:
    """The message says what is allowed."""
    with pytest.raises(InvalidInput, match=words):
        retrain.fn(**options)


def test_an_event_alone_trains_nothing(factory: Factory) -> None:
    """It only rings: with no alarm in the ledger, one that comes late finds nothing to answer."""
    factory.champion()
    (summary,) = retrain.fn("toy", "drift", "level has moved", "an-alarm")
    assert summary.trainings == ()
    assert summary.reason.startswith("no alarm asks for it, ")


def test_labels_that_became_known_since_the_last_training_are_counted(factory: Factory) -> None:
    """A week of the toy's questions brings some seven hundred answers."""
    factory.champion()
    asks = toy.read_asks(toy.START, toy.END + timedelta(days=1))["known_at"]
    new = int(((asks > toy.END - timedelta(days=7)) & (asks <= toy.END)).sum())
    assert f"{new} labels are new" in factory.run().reason
    factory.policy(('"new_labels":1000', f'"new_labels":{new}'))
    (training,) = factory.run().trainings
    assert training.cause is Cause.LABELS


def test_what_people_said_is_learned_with_its_weight_and_told_in_the_lineage(factory: Factory) -> None:
    """Their words on recorded questions, and on a captured one that only the prediction log knows."""
    before = toy.END - timedelta(days=7)
    odd = {"unit": "u3", "site": "north", "load": -9.5, "asked_at": "2020-01-09T00:00:00Z"}
    answered = {
        "prediction_id": "p",
        "model": "toy",
        "version": "1",
        "example_id": "odd",
        "request": json.dumps(odd),
        "served_at": before,
        "moment_at": datetime.fromisoformat(str(odd["asked_at"])),
    }
    write_deltalake(table_folder(factory.config.prediction_log), pa.Table.from_pylist([answered], schema=SCHEMA))
    labels = PeoplesLabels(factory.engine)
    known = toy.read_asks(toy.START, before)["ask"].astype(str).tolist()
    corrected = [Word(ask, 1) for ask in known[:20]]
    labels.give_all("toy", corrected, source="review", who="ann", reason="looked again", at=before)
    labels.give_all("toy", [Word("odd", 1)], source="capture", who="ann", reason="it was on", at=before)
    plain = train_model("toy", factory.config, factory.engine, end=toy.END - timedelta(days=2)).version
    told = train_model("toy", factory.config, factory.engine).version
    registry = factory.registry()
    tags = registry.tags("toy", told)
    assert (tags["learned_rows_by_people"], tags["learned_rows_captured"], tags["judged_rows_by_people"]) == (
        "20",
        "1",
        "0",
    )
    assert (tags["person_weight"], tags["captured_weight"]) == ("3", "2")
    # Two days earlier the judged days began before anybody had said a word.
    assert registry.tags("toy", plain)["learned_rows_by_people"] == "0"
