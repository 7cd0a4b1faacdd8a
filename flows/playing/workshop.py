"""Where the challengers of a play are made: rows and champion at hand, and a registry to log to."""

from functools import cached_property
from typing import Protocol

from feature_repo.feast_store import open_feature_store
from flows.challengers.material import Made, Material
from flows.challengers.registering import register
from flows.playing.scene import Scene
from flows.training.rows import gather_rows
from flows.training.window import choose_window
from stores.events import EventStore
from stores.policies import load_policy


class Workshop(Protocol):
    """Material to make versions of, and a way to register them."""

    @property
    def material(self) -> Material:
        """Return the material; the same for every version of a play."""
        ...

    def register(self, made: Made, experiment: str) -> str:
        """Store a version and return its name."""
        ...


class LiveWorkshop:
    """The workshop of a running stack: Feast's rows, MLflow's champion and registry."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    @cached_property
    def material(self) -> Material:
        """All labelled rows of the policy's window up to the traffic's beginning, and the champion as MLflow keeps it.

        Raises EvidenceMissing when there are too few rows.
        """
        import mlflow.xgboost  # noqa: PLC0415 - MLflow takes seconds to import

        scene = self._scene
        definition, config = scene.play.definition, scene.config
        policy = load_policy(config.policies, scene.model)
        store = open_feature_store(definition, config.features, config.online_store)
        window = choose_window(policy.training, scene.play.live_start)
        rows = gather_rows(definition, store, EventStore(config.events), policy.training, window)
        mlflow.set_tracking_uri(config.mlflow_address)
        champion = mlflow.xgboost.load_model(f"models:/{scene.model}/{scene.plans.current(scene.model).champion}")
        return Material(definition, policy, rows, champion)

    def register(self, made: Made, experiment: str) -> str:
        """Log a version to MLflow under the model's name, and return the name of the version."""
        return register(made, self._scene.play.definition, self._scene.config.mlflow_address, experiment)
