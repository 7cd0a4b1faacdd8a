"""`holdfast replay`: score a logged prediction again, from what its model saw."""

from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np
import typer

from console.log import AsJson, print_json
from lifecycle.errors import ArtifactInvalid, EvidenceMissing
from stores.ledger.opening import connect
from stores.ledger.pins import Pins
from stores.prediction_log.table import PredictionLog
from stores.predictor import RELATIVE_TOLERANCE, load_predictor, same_scores
from stores.registry import Registry
from stores.settings import Settings, settings
from stores.small import RUN_AS, load_small
from stores.versions import Versions

RULE, SMALL, CACHE = "rule", "small", "cache"
"""The tiers of what was answered in a version's place: by the model's rule, by the small model, and again."""


@dataclass(frozen=True)
class Replayed:
    """A logged score and the one that the same version gives the logged features now."""

    prediction_id: str
    model: str
    version: str
    logged: float
    replayed: float
    same: bool

    @property
    def verdict(self) -> str:
        """How the two compare, in words."""
        if self.logged.hex() == self.replayed.hex():
            return "the same bit for bit"
        if self.same:
            return f"the same within {RELATIVE_TOLERANCE:g}: this format rounds by the size of the batch"
        return "DIFFERENT: the model file or its library has changed"


def replay(
    prediction_id: Annotated[str, typer.Argument(help="As given in the answer and in the log.")],
    as_json: AsJson = False,  # noqa: FBT002 - a flag
) -> None:
    """Score a logged prediction again; exit code 1 unless the result is the same, as exactly as its format allows."""
    result = replay_prediction(prediction_id, settings())
    if as_json:
        print_json(asdict(result))
    else:
        typer.echo(f"prediction {result.prediction_id}, {result.model} version {result.version}")
        typer.echo(f"logged   {result.logged!r} ({result.logged.hex()})")
        typer.echo(f"replayed {result.replayed!r} ({result.replayed.hex()})")
        typer.echo(result.verdict)
    if not result.same:
        raise typer.Exit(1)


def replay_prediction(prediction_id: str, places: Settings) -> Replayed:
    """Return what the logged features score now with the version that answered, in whichever arm.

    What the small model answered is scored by the small model. Raises NotFound for an unknown prediction,
    EvidenceMissing for an attempt that failed, for what the rule answered in the version's place and for what was given
    again, ArtifactInvalid when the version's file is another one than answered, and what opening the version raises.
    """
    row = PredictionLog(places.prediction_log).get(prediction_id)
    if row["score"] is None:
        shown = f"; {row['pairs_with']} was shown in its place" if row["pairs_with"] else ""
        raise EvidenceMissing(
            f"prediction {prediction_id} has no score to compare with: version {row['version']} of {row['model']} "
            f"failed ({row['error']}){shown}"
        )
    if row["tier"] == RULE:
        raise EvidenceMissing(
            f"prediction {prediction_id} was answered by the rule of {row['model']}, while the answers of version "
            f"{row['version']} were stopped or its caller had spent its budget; its score {row['score']!r} is one of "
            "the logged features, and no version scored it. `holdfast captures list` says why answers were stopped"
        )
    if row["tier"] == CACHE:
        raise EvidenceMissing(
            f"prediction {prediction_id} was given again: its score {row['score']!r} was computed for an earlier one, "
            "of the same request or of features within the tolerances of the policy; replay that one"
        )
    versions = Versions(places.versions, Registry(places.mlflow_address), Pins(connect(places.ledger_address)))
    files = versions.open(row["model"], row["version"])
    if files.manifest.artifact_digest != row["artifact_digest"]:
        raise ArtifactInvalid(
            f"prediction {prediction_id} came from model file {row['artifact_digest']}, but {files.folder} holds "
            f"{files.manifest.artifact_digest}"
        )
    features = np.array([row["features"]], dtype=np.float32)
    predictor, format_name = load_predictor(files), files.manifest.format
    if row["tier"] == SMALL:
        predictor, format_name = load_small(files) or predictor, RUN_AS
    score = predictor.score(features)
    (same,) = same_scores(score, np.array([row["score"]]), format_name)
    return Replayed(
        prediction_id, row["model"], row["version"], logged=row["score"], replayed=float(score[0]), same=bool(same)
    )
