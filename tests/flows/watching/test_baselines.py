"""Every version is held against a baseline: the ledger's, its own, or one that is drawn for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from feature_repo.feast_store import open_feature_store
from flows.materialize import build_window
from flows.training.booster import grow_booster
from flows.watching.baselines import baseline_of
from lifecycle.errors import EvidenceMissing
from lifecycle.evaluation import Evaluation, Measured, Metrics
from lifecycle.manifest import Example, Manifest
from stores.events import EventStore
from stores.ledger.baselines import Baseline, Baselines
from stores.ledger.opening import open_ledger
from stores.ledger.progress import Progress
from stores.policies import load_policy
from stores.settings import Settings, settings
from stores.versions import file_digest
from tests.flows import toy
from tests.stores.prediction_log.answered import baseline

pytestmark = [
    # Three libraries warn when they are imported: Google's for Great Expectations, that one itself, and MLflow.
    pytest.mark.filterwarnings("ignore:Please install grpcio-status:ImportWarning"),
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]

NOW = toy.END
METRICS = Metrics(
    rows=9,
    positives=3,
    auc=0.75,
    average_precision=0.5,
    brier=0.2,
    log_loss=0.6,
    calibration_error=0.1,
    cost_per_row=0.4,
)


@dataclass(frozen=True)
class Workshop:
    """A state folder with the toy's events and features, and a version on this machine."""

    config: Settings
    engine: Engine

    def version(self, **files: str) -> None:
        """Write version 1, which was trained elsewhere, with some files of its own by their names' first part."""
        folder = self.config.versions / "toy" / "1"
        folder.mkdir(parents=True)
        rows = toy.some_rows(600)
        policy = load_policy(self.config.policies, "toy")
        booster = grow_booster(rows.matrix, rows.labels, toy.DEFINITION.vector, policy.training)
        booster.save_model(folder / "model.ubj")
        for name, content in files.items():
            (folder / f"{name}.json").write_text(content, encoding="utf-8")
        names = ["model.ubj", *(f"{name}.json" for name in files)]
        manifest = Manifest(
            model="toy",
            format="xgboost-ubj",
            model_file="model.ubj",
            contract=toy.CONTRACT,
            feature_service="toy_v1",
            vector=toy.DEFINITION.vector,
            example=Example(request=(), features=((0.0, 0.0, 0.0),), scores=(0.5,)),
            files={name: file_digest(folder / name) for name in names},
        )
        (folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")

    def baseline(self) -> Baseline:
        """Return version 1's baseline."""
        return baseline_of("toy", "1", config=self.config, engine=self.engine, now=NOW)


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


@pytest.fixture
def workshop(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """Return a workshop with an empty ledger, whose flows have come to the end of the events."""
    toy.install(monkeypatch)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "toy.yaml").write_text(toy.POLICY, encoding="utf-8")
    (tmp_path / "home").mkdir()
    for name in ("events", "features"):
        (tmp_path / "home" / name).symlink_to(shared / name)
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOLDFAST_POLICIES", str(tmp_path / "policies"))
    settings.cache_clear()
    engine = open_ledger(settings().ledger_address)
    for flow in ("ingest", "materialize"):
        Progress(engine).advance(f"{flow}:toy", toy.END)
    yield Workshop(settings(), engine)
    engine.dispose()
    settings.cache_clear()


def test_version_s_own_baseline_is_kept_with_its_own_metrics(workshop: Workshop) -> None:
    """What travelled with it is what it was accepted by."""
    measured = Measured(overall=METRICS, slices={})
    evaluation = Evaluation(candidate=measured, rivals={}, absent={}, first_version=True)
    workshop.version(profile=baseline().model_dump_json(), metrics=evaluation.model_dump_json())
    found = workshop.baseline()
    assert found == Baseline("toy", "1", baseline(), METRICS, "version", NOW)
    assert Baselines(workshop.engine).get("toy", "1") == found


def test_one_that_is_kept_already_stands(workshop: Workshop) -> None:
    """It never changes, and the version is not even opened."""
    kept = Baselines(workshop.engine).keep(Baseline("toy", "1", baseline(), None, "drawn", toy.START))
    assert workshop.baseline() == kept


def test_version_without_one_is_held_against_the_training_window(workshop: Workshop) -> None:
    """As a training would draw it, with the version's own scores of the judged rows."""
    workshop.version()
    found = workshop.baseline()
    assert (found.source, found.drawn_at) == ("drawn", NOW)
    policy = load_policy(workshop.config.policies, "toy").training
    asks = toy.read_asks(toy.START, toy.END)
    split = NOW - timedelta(days=policy.validation_days)
    learned = asks.loc[(asks["asked_at"] < split) & (asks["known_at"] <= split)]
    assert found.profile.rows == len(learned)
    assert found.profile.categories["site"].counts == learned["site"].value_counts().to_dict()
    assert set(found.profile.features) == set(toy.DEFINITION.vector)
    assert found.metrics is not None
    assert found.profile.score_rows == found.metrics.rows > 0
    # The truth is there to be found, and a booster of other rows has found it.
    assert found.metrics.auc is not None
    assert found.metrics.auc > 0.8


@pytest.mark.parametrize("content", ["{}", "not even JSON"])
def test_file_that_only_has_the_name_of_one_is_passed_over(workshop: Workshop, content: str) -> None:
    """A stranger may call anything so."""
    workshop.version(profile=content, metrics=content)
    assert workshop.baseline().source == "drawn"


def test_own_baseline_without_readable_metrics_has_none(workshop: Workshop) -> None:
    """Quality cannot be compared with the version's own then, and is not."""
    workshop.version(profile=baseline().model_dump_json(), metrics="{}")
    found = workshop.baseline()
    assert (found.source, found.metrics) == ("version", None)


def test_nothing_is_drawn_before_features_have_come(workshop: Workshop) -> None:
    """Defaults would look like features, and every later window like drift."""
    workshop.version()
    with pytest.raises(EvidenceMissing, match="the window up to"):
        baseline_of(
            "toy", "1", config=workshop.config, engine=open_ledger(f"sqlite:///{workshop.config.home}/b.db"), now=NOW
        )
    assert Baselines(workshop.engine).get("toy", "1") is None
