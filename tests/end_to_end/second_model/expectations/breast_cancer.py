"""The suites of breast_cancer: what its samples, training sets and predictions look like."""

import great_expectations.expectations as gxe
from sklearn.datasets import load_breast_cancer

from expectations.kinds import Column
from expectations.suite import Suite
from lifecycle.contract import FieldType
from lifecycle.intake import BadRowLimit

STRING = Column(FieldType.STRING)
INTEGER = Column(FieldType.INTEGER)
NUMBER = Column(FieldType.NUMBER)
TIME = Column(FieldType.TIMESTAMP)
NO_BAD_ROWS = BadRowLimit(rows=0, share=0.0)
MEASUREMENTS = [name.replace(" ", "_") for name in load_breast_cancer().feature_names]

SUITES = {
    "samples": Suite(
        columns=dict.fromkeys(MEASUREMENTS, NUMBER) | {"malignant": INTEGER, "sample": INTEGER, "known_at": TIME},
        rows=(
            gxe.ExpectColumnValuesToBeUnique(column="sample"),
            gxe.ExpectColumnValuesToBeBetween(column="mean_radius", min_value=0, max_value=100),
        ),
        batch=(),
        bad_rows=NO_BAD_ROWS,
        volume=None,
        freshness_hours=None,
    ),
    "training_set": Suite(
        columns={"example_id": STRING, "label": INTEGER, "sample": INTEGER},
        rows=(gxe.ExpectColumnValuesToBeInSet(column="label", value_set=[0, 1]),),
        batch=(gxe.ExpectColumnMeanToBeBetween(column="label", min_value=0.2, max_value=0.6),),
        bad_rows=NO_BAD_ROWS,
        volume=None,
        freshness_hours=None,
        other_columns=True,
    ),
    "served_predictions": Suite(
        columns={"prediction_id": STRING, "score": NUMBER, "decision": STRING},
        rows=(gxe.ExpectColumnValuesToBeInSet(column="decision", value_set=["look_closer", "leave"]),),
        batch=(),
        bad_rows=NO_BAD_ROWS,
        volume=None,
        freshness_hours=None,
        other_columns=True,
    ),
}
