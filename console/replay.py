"""`holdfast replay`: score a logged prediction again, from what its model saw."""

from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np
import typer

from console.log import AsJson, print_json
from lifecycle.errors import ArtifactInvalid
from stores.prediction_log.table import PredictionLog
from stores.predictor import load_predictor
from stores.registry import Registry
from stores.settings import Settings, settings
from stores.versions import Versions


@dataclass(frozen=True)
class Replayed:
    """A logged score and the one that the same version gives the logged features now."""

    prediction_id: str
    model: str
    version: str
    logged: float
    replayed: float

    @property
    def same(self) -> bool:
        """Whether both are the same 64 bits."""
        return self.logged.hex() == self.replayed.hex()


def replay(
    prediction_id: Annotated[str, typer.Argument(help="As given in the answer and in the log.")],
    as_json: AsJson = False,  # noqa: FBT002 - a flag
) -> None:
    """Score a logged prediction again; exit code 1 unless the result is the same bit for bit."""
    result = replay_prediction(prediction_id, settings())
    if as_json:
        print_json(asdict(result) | {"same": result.same})
    else:
        typer.echo(f"prediction {result.prediction_id}, {result.model} version {result.version}")
        typer.echo(f"logged   {result.logged!r} ({result.logged.hex()})")
        typer.echo(f"replayed {result.replayed!r} ({result.replayed.hex()})")
        typer.echo("the same bit for bit" if result.same else "DIFFERENT: the model file or its library has changed")
    if not result.same:
        raise typer.Exit(1)


def replay_prediction(prediction_id: str, places: Settings) -> Replayed:
    """Return what the logged features score now with the version that answered.

    Raises NotFound for an unknown prediction, ArtifactInvalid when the version's file is another one than
    answered, and what opening the version raises.
    """
    row = PredictionLog(places.prediction_log).get(prediction_id)
    versions = Versions(places.versions, Registry(places.mlflow_address))
    files = versions.open(row["model"], row["version"])
    if files.manifest.artifact_digest != row["artifact_digest"]:
        raise ArtifactInvalid(
            f"prediction {prediction_id} came from model file {row['artifact_digest']}, but {files.folder} holds "
            f"{files.manifest.artifact_digest}"
        )
    features = np.array([row["features"]], dtype=np.float32)
    (score,) = load_predictor(files).score(features)
    return Replayed(prediction_id, row["model"], row["version"], logged=row["score"], replayed=float(score))
