"""Log a version to MLflow as any stranger would: a model, its signature, an example of its input; nothing of ours."""

from contextlib import redirect_stderr
from importlib.metadata import version
from io import StringIO
from typing import Any

import pandas as pd

from feature_repo.definition import ModelDefinition
from flows.challengers.material import Made


def register(made: Made, definition: ModelDefinition, mlflow_address: str, experiment: str) -> str:
    """Return the name of the new version that MLflow gave it, under the model's own name."""
    import mlflow  # noqa: PLC0415 - MLflow takes seconds to import

    mlflow.set_tracking_uri(mlflow_address)
    frame = pd.DataFrame(made.example, columns=list(definition.vector))
    # What MLflow says on the way would run through the play's progress bar.
    with redirect_stderr(StringIO()):
        mlflow.set_experiment(experiment)
        return _run(made, definition.name, frame)


def _run(made: Made, name: str, frame: pd.DataFrame) -> str:
    import mlflow  # noqa: PLC0415 - as above

    with mlflow.start_run():
        mlflow.log_metric("validation_log_loss", made.own_log_loss)
        return _log(made.model, name, frame)


def _log(model: Any, name: str, frame: pd.DataFrame) -> str:
    from mlflow.models import infer_signature  # noqa: PLC0415 - MLflow takes seconds to import

    libraries: tuple[str, ...] = ("xgboost",)
    options: dict[str, object] = {"model_format": "ubj"}
    if type(model).__name__ == "ModelProto":
        import mlflow.onnx as flavor  # noqa: PLC0415 - as above

        libraries, options = ("onnx", "onnxruntime"), {"save_as_external_data": False}
    else:
        import mlflow.xgboost as flavor  # noqa: PLC0415 - as above

    logged = flavor.log_model(
        model,
        name="model",
        signature=infer_signature(frame, [0.5]),
        input_example=frame,
        registered_model_name=name,
        # Given, because finding them out would load the model in another process.
        pip_requirements=[f"{library}=={version(library)}" for library in ("mlflow", *libraries)],
        await_registration_for=0,
        **options,
    )
    return str(logged.registered_model_version)
