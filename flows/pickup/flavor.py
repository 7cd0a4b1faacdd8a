"""Which format a version is of, by the flavor it declares; nothing that could run is ever taken from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.pickup.mlmodel import plain_file
from lifecycle.errors import ArtifactInvalid
from lifecycle.rollout_policy import Format

PYFUNC = "python_function"
MODEL_CLASSES = ("xgboost.core.Booster", "xgboost.sklearn.XGBClassifier")


@dataclass(frozen=True)
class Found:
    """A version's format and the name of its model file."""

    format: Format
    model_file: str


def find_format(folder: Path, document: Mapping[str, Any], allowed: tuple[Format, ...]) -> Found:
    """Return the format of a version; raises ArtifactInvalid saying what to log instead."""
    flavors = document.get("flavors")
    flavors = flavors if isinstance(flavors, dict) else {}
    named = [name for name in flavors if name != PYFUNC]
    if len(named) != 1 or named[0] not in READERS:
        raise ArtifactInvalid(
            f"Its flavors are {', '.join(map(repr, flavors)) or 'none'}; allowed: one of {', '.join(READERS)}. "
            "Register it with mlflow.xgboost, mlflow.sklearn or mlflow.onnx."
        )
    (flavor,) = named
    _refuse_code(flavor, flavors)
    options = flavors[flavor]
    if not isinstance(options, dict):
        raise ArtifactInvalid(f"MLmodel says nothing about its flavor {flavor}. Log the model again.")
    found = READERS[flavor](folder, options)
    if found.format not in allowed:
        instead = (
            " Use serialization_format='skops'." if found.format == "sklearn-pickle" else " Log it as one of these."
        )
        raise ArtifactInvalid(
            f"Its format is {found.format}; the policy's pick_up.allowed_formats are {', '.join(allowed)}.{instead}"
        )
    return found


def _refuse_code(flavor: str, flavors: Mapping[str, Any]) -> None:
    for name in (flavor, PYFUNC):
        options = flavors.get(name) or {}
        if not isinstance(options, dict):
            raise ArtifactInvalid(f"MLmodel describes {name} as {type(options).__name__}; log the model again.")
        if options.get("code"):
            raise ArtifactInvalid(
                f"It brings code of its own ({name}.code is {options['code']!r}), which is never run. "
                "Log it without code_paths."
            )
    loader = (flavors.get(PYFUNC) or {}).get("loader_module", f"mlflow.{flavor}")
    if loader != f"mlflow.{flavor}":
        raise ArtifactInvalid(
            f"It wants to be loaded by {loader!r}; allowed: 'mlflow.{flavor}'. Log it with mlflow.{flavor}.log_model."
        )


def _xgboost(folder: Path, options: Mapping[str, Any]) -> Found:
    kind = options.get("model_class", MODEL_CLASSES[0])
    if kind not in MODEL_CLASSES:
        raise ArtifactInvalid(f"It is a {kind!r}; allowed: {', '.join(MODEL_CLASSES)}, trained as binary:logistic.")
    name = plain_file(folder, options.get("data"), "XGBoost file")
    formats: dict[str, Format] = {".ubj": "xgboost-ubj", ".json": "xgboost-json"}
    suffix = Path(name).suffix
    if suffix not in formats:
        raise ArtifactInvalid(f"Its XGBoost file is {name!r}; allowed: .ubj or .json. Log it with model_format='ubj'.")
    return Found(formats[suffix], name)


def _sklearn(folder: Path, options: Mapping[str, Any]) -> Found:
    name = plain_file(folder, options.get("pickled_model"), "scikit-learn file")
    written = options.get("serialization_format")
    formats: dict[object, Format] = {
        "skops": "sklearn-skops",
        "pickle": "sklearn-pickle",
        "cloudpickle": "sklearn-pickle",
    }
    if written not in formats:
        raise ArtifactInvalid(f"Its serialization_format is {written!r}; allowed: 'skops'.")
    return Found(formats[written], name)


def _onnx(folder: Path, options: Mapping[str, Any]) -> Found:
    return Found("onnx", plain_file(folder, options.get("data"), "ONNX file"))


READERS: Mapping[str, Callable[[Path, Mapping[str, Any]], Found]] = {
    "xgboost": _xgboost,
    "sklearn": _sklearn,
    "onnx": _onnx,
}
