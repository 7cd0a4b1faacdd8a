"""Register an XGBoost classifier, from a file of features, with MLflow alone.

python register_xgboost.py features.parquet http://127.0.0.1:5000 flight_delay
"""

import sys

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from xgboost import XGBClassifier

file, tracking, model_name = sys.argv[1:4]
examples = pd.read_parquet(file)
about = ["example_id", "event_timestamp", "label_known_at", "label"]
features = examples.drop(columns=about)

classifier = XGBClassifier(n_estimators=100, max_depth=4, learning_rate=0.1)
classifier.fit(features, examples["label"])

mlflow.set_tracking_uri(tracking)
mlflow.set_experiment(model_name)
with mlflow.start_run():
    mlflow.xgboost.log_model(
        classifier,
        name="model",
        registered_model_name=model_name,
        signature=infer_signature(features, classifier.predict_proba(features)[:, 1]),
        input_example=features.head(16),
        model_format="ubj",
    )
