"""Register an ONNX graph: here the smallest one, a logistic regression written out by hand.

    python register_onnx.py features.parquet http://127.0.0.1:5000 flight_delay

From PyTorch or scikit-learn, use an exporter instead of `graph`: one float tensor in, one column of probabilities out.
"""

import sys

import mlflow
import numpy as np
import onnx
import pandas as pd
from mlflow.models import infer_signature
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression

file, tracking, model_name = sys.argv[1:4]
examples = pd.read_parquet(file)
about = ["example_id", "event_timestamp", "label_known_at", "label"]
features = examples.drop(columns=about).astype(np.float32)

mean, spread = features.mean().to_numpy(), features.std().to_numpy() + 1e-6
fitted = LogisticRegression(max_iter=1000).fit((features - mean) / spread, examples["label"])
weights = (fitted.coef_[0] / spread).astype(np.float32).reshape(-1, 1)
offset = np.array([fitted.intercept_[0] - float(mean @ weights[:, 0])], dtype=np.float32)

width = features.shape[1]
graph = helper.make_graph(
    [
        helper.make_node("MatMul", ["features", "weights"], ["product"]),
        helper.make_node("Add", ["product", "offset"], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["probability"]),
    ],
    "logistic-regression",
    [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, width])],
    [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None, 1])],
    [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(offset, "offset")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
model.ir_version = 9
onnx.checker.check_model(model)

mlflow.set_tracking_uri(tracking)
mlflow.set_experiment(model_name)
with mlflow.start_run():
    mlflow.onnx.log_model(
        model,
        name="model",
        registered_model_name=model_name,
        signature=infer_signature(features, np.zeros(1, dtype=np.float32)),
        input_example=features.head(16),
        save_as_external_data=False,
    )
