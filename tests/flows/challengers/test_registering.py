"""A challenger is registered as a stranger's model is: plain MLflow, and nothing of ours beside it."""

from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pytest

from flows.challengers.better import make_better
from flows.challengers.material import Material
from flows.challengers.registering import register
from flows.challengers.slow_slice import make_slow_slice
from tests.flows import toy

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the address of an empty registry whose files stay under the test's folder."""
    address, before = f"sqlite:///{tmp_path / 'mlflow.db'}", mlflow.get_tracking_uri()
    # MLflow remembers the experiment there.
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "")
    mlflow.set_tracking_uri(address)
    mlflow.create_experiment("notebook", artifact_location=(tmp_path / "artifacts").as_uri())
    yield address
    mlflow.set_tracking_uri(before)


def test_each_kind_of_model_becomes_a_version_with_signature_and_example(material: Material, registry: str) -> None:
    """What MLflow loads has the vector's columns and the example, and no tag says where it stands."""
    from mlflow.pyfunc import load_model  # noqa: PLC0415 - its import warns, and a test's filter must be on

    client = mlflow.MlflowClient(registry)
    for number, make in enumerate((make_better, make_slow_slice), start=1):
        made = make(material)
        assert register(made, toy.DEFINITION, registry, "notebook") == str(number)
        assert client.get_model_version("toy", str(number)).tags == {}
        loaded = load_model(f"models:/toy/{number}")
        assert tuple(loaded.metadata.get_input_schema().input_names()) == toy.DEFINITION.vector
        np.testing.assert_array_equal(loaded.input_example.to_numpy(np.float32), made.example)
