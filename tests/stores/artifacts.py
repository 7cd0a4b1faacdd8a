"""A tiny version in a folder, made of a real booster."""

from pathlib import Path

import numpy as np
import xgboost

from lifecycle.contract import Contract, Field, FieldType
from lifecycle.manifest import Example, Manifest, SmallModel
from stores.formats.fast_trees import fast_score
from stores.versions import MANIFEST, file_digest

VECTOR = ("level", "load", "age")
CONTRACT = Contract(
    model="toy",
    version=1,
    fields=(Field(name="load", type=FieldType.NUMBER, description="Load", example=0.5, minimum=0, maximum=1),),
)


def feature_matrix(rows: int) -> np.ndarray:
    """Return random features, (rows, 3) float32, always the same."""
    return np.random.default_rng(7).normal(size=(rows, len(VECTOR))).astype(np.float32)


def write_version(folder: Path, rounds: int = 30) -> Manifest:
    """Write a version of the model `toy` into a new folder; more rounds make another model."""
    matrix = feature_matrix(2000)
    labels = (matrix[:, 0] * matrix[:, 1] > 0).astype(int)
    rows = xgboost.QuantileDMatrix(matrix, label=labels, feature_names=list(VECTOR))
    parameters = {"objective": "binary:logistic", "tree_method": "hist", "nthread": 1, "seed": 1}
    booster = xgboost.train(parameters, rows, rounds)
    folder.mkdir(parents=True)
    booster.save_model(folder / "model.ubj")
    (folder / "MLmodel").write_text("flavors: {xgboost: {data: model.ubj}}\n", encoding="utf-8")
    shown = matrix[:16]
    manifest = Manifest(
        model="toy",
        format="xgboost-ubj",
        model_file="model.ubj",
        contract=CONTRACT,
        feature_service=CONTRACT.name,
        vector=VECTOR,
        example=Example(
            request=tuple({"load": 0.5} for _ in shown),
            features=tuple(tuple(row) for row in shown.astype(float).tolist()),
            scores=tuple(booster.inplace_predict(shown).astype(float).tolist()),
        ),
        files={"model.ubj": file_digest(folder / "model.ubj")},
    )
    write_manifest(folder, manifest)
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put a manifest in place of the folder's own."""
    (folder / MANIFEST).write_text(manifest.model_dump_json(), encoding="utf-8")


def add_small(folder: Path, manifest: Manifest, rounds: int = 4) -> Manifest:
    """Add a small model that learned the version's scores to a version's folder; return the new manifest."""
    matrix = feature_matrix(2000)
    version = xgboost.Booster(model_file=folder / manifest.model_file)
    taught = version.inplace_predict(matrix)
    rows = xgboost.QuantileDMatrix(matrix, label=taught, feature_names=list(VECTOR))
    parameters = {"objective": "binary:logistic", "max_depth": 2, "tree_method": "hist", "nthread": 1, "seed": 1}
    booster = xgboost.train(parameters, rows, rounds)
    booster.save_model(folder / "small.ubj")
    score = fast_score(booster, VECTOR)
    scores = score(matrix)
    labels = (matrix[:, 0] * matrix[:, 1] > 0).astype(np.float32)
    np.save(folder / "small_judged.npy", np.column_stack([labels, taught, scores]).astype(np.float32))
    shown = np.array(manifest.example.features, dtype=np.float32)
    small = SmallModel(
        format="xgboost-ubj",
        model_file="small.ubj",
        judged_file="small_judged.npy",
        scores=tuple(score(shown).tolist()),
    )
    files = {**manifest.files, **{name: file_digest(folder / name) for name in ("small.ubj", "small_judged.npy")}}
    added = manifest.model_copy(update={"small": small, "files": files})
    write_manifest(folder, added)
    return added
