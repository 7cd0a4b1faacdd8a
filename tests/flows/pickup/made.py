"""Versions as a data scientist would register them, with MLflow's own functions."""

import importlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import yaml
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

COLUMNS = ("asked_load", "level")
"""Two of the toy's three features, in an order of their own."""


def frame(rows: int = 400, columns: tuple[str, ...] = COLUMNS) -> pd.DataFrame:
    """Return random features, always the same."""
    values = np.random.default_rng(3).normal(size=(rows, len(columns)))
    return pd.DataFrame(values, columns=list(columns))


def pipeline(features: pd.DataFrame) -> Pipeline:
    """Return a fitted pipeline of scikit-learn's."""
    answers = (features.iloc[:, 0] + features.iloc[:, 1] > 0).astype(int)
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(features, answers)


def graph(width: int = 2, output: str = "Sigmoid") -> onnx.ModelProto:
    """Return an ONNX graph of one layer."""
    weights = numpy_helper.from_array(np.ones((width, 1), np.float32), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node(output, ["z"], ["p"])]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, width])]
    outputs = [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1])]
    made = helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs, [weights]), opset_imports=[helper.make_opsetid("", 17)]
    )
    made.ir_version = 9
    return made


def write(flavor: str, folder: Path, model: Any, features: pd.DataFrame, **options: Any) -> None:
    """Write a version as mlflow.<flavor>.log_model does; `features` give its signature and its example."""
    with warnings.catch_warnings():
        # MLflow warns of its own type hints and of what it would rather have.
        warnings.simplefilter("ignore")
        from mlflow.models import infer_signature  # noqa: PLC0415 - MLflow takes seconds to import

        usual = {
            "signature": infer_signature(features, np.zeros(1)),
            "input_example": features.head(8),
            "pip_requirements": [flavor],
        }
        importlib.import_module(f"mlflow.{flavor}").save_model(model, str(folder), **(usual | options))


def write_sklearn(folder: Path, model: Any, features: pd.DataFrame, **options: Any) -> None:
    """Write a scikit-learn version in skops form."""
    write("sklearn", folder, model, features, **({"serialization_format": "skops"} | options))


def alter(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the MLmodel file of a version, as its author can."""
    path = folder / "MLmodel"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


def rename_column(document: dict[str, Any], old: str, new: str) -> None:
    """Give a column of a signature another name."""
    columns = json.loads(document["signature"]["inputs"])
    for column in columns:
        if column["name"] == old:
            column["name"] = new
    document["signature"]["inputs"] = json.dumps(columns)
