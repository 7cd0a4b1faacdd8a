"""Register a scikit-learn pipeline, from a file of features, with MLflow alone.

python register_sklearn.py features.parquet http://127.0.0.1:5000 flight_delay
"""

import sys

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

file, tracking, model_name = sys.argv[1:4]
examples = pd.read_parquet(file)
about = ["example_id", "event_timestamp", "label_known_at", "label"]
features = examples.drop(columns=about)

pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
pipeline.fit(features, examples["label"])

mlflow.set_tracking_uri(tracking)
mlflow.set_experiment(model_name)
with mlflow.start_run():
    mlflow.sklearn.log_model(
        pipeline,
        name="model",
        registered_model_name=model_name,
        signature=infer_signature(features, pipeline.predict_proba(features)[:, 1]),
        input_example=features.head(16),
        serialization_format="skops",
    )
