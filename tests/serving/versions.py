"""A booster on disk, made a version that can be proven."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from feature_repo.definition import ModelDefinition
from feature_repo.vector import assemble
from lifecycle.manifest import Example, Manifest
from serving.rows import RowCodec
from stores.predictor import load_predictor
from stores.versions import VersionFiles, file_digest

FILE = "model.ubj"


def manifest_of(folder: Path, definition: ModelDefinition, *rows: dict[str, Any]) -> Manifest:
    """Return the manifest of the booster in a folder's model.ubj, with these rows and its scores as the example.

    Nothing is looked up for the rows: all such features have their declared defaults.
    """
    codec = RowCodec(definition.contract, len(rows))
    request = codec.columns(codec.from_json(json.dumps({"rows": rows}).encode()))
    nothing = {feature.name: np.full(len(rows), np.nan) for view in definition.views for feature in view.features}
    features = assemble(definition, request, nothing).matrix
    manifest = Manifest(
        model=definition.name,
        format="xgboost-ubj",
        model_file=FILE,
        contract=definition.contract,
        feature_service=definition.contract.name,
        vector=definition.vector,
        example=Example(request=rows, features=(), scores=()),
        files={FILE: file_digest(folder / FILE)},
    )
    scores = load_predictor(VersionFiles(folder, manifest)).score(features)
    example = Example(request=rows, features=features.tolist(), scores=scores.tolist())
    return manifest.model_copy(update={"example": example})
