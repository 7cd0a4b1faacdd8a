"""The server a good engineer writes by hand: FastAPI, Feast and mlflow.pyfunc, doing per request what Holdfast does.

It checks the contract, reads the same features from the same online store, derives the rest by the same
functions, fills the same defaults, predicts with the same booster and logs before it answers. It does not
batch, nor look whether a feature is stale.
"""

import argparse
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import uuid4

import mlflow.pyfunc
import numpy as np
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from feature_repo.definition import Columns, load_definition
from feature_repo.feast_store import open_feature_store
from feature_repo.vector import assemble

MODEL = "flight_delay"
THRESHOLD = 0.3


class Flight(BaseModel):
    """One flight, with the limits of the model's contract."""

    model_config = ConfigDict(extra="forbid")

    carrier: Annotated[str, Field(pattern="^[0-9A-Z]{2}$")]
    flight: Annotated[int, Field(strict=True, ge=1, le=9999)]
    origin: Literal["EWR", "JFK", "LGA"]
    dest: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    tail_number: Annotated[str, Field(pattern="^[A-Z0-9]{3,7}$")] | None
    scheduled_departure_at: AwareDatetime
    scheduled_arrival_at: AwareDatetime
    distance_miles: Annotated[float, Field(strict=True, ge=10, le=6000)]


class Question(BaseModel):
    """Flights to predict."""

    model_config = ConfigDict(extra="forbid")

    rows: Annotated[list[Flight], Field(min_length=1, max_length=512)]


class Prediction(BaseModel):
    """One flight's answer."""

    prediction_id: str
    probability: float
    decision: str
    defaulted: list[str]


class Answer(BaseModel):
    """The answers, in the order of the flights."""

    model: str
    predictions: list[Prediction]


def columns(flights: list[Flight]) -> Columns:
    """Return the flights by field, as the feature functions take them."""
    request = {
        name: np.array([getattr(flight, name) for flight in flights], dtype=object)
        for name in ("carrier", "origin", "dest", "tail_number")
    }
    request["flight"] = np.array([flight.flight for flight in flights])
    request["distance_miles"] = np.array([flight.distance_miles for flight in flights])
    for name in ("scheduled_departure_at", "scheduled_arrival_at"):
        request[name] = np.array([getattr(flight, name).timestamp() for flight in flights])
    return request


def build(features: Path, model: Path, log: Path) -> FastAPI:
    """Return the application, with everything loaded."""
    definition = load_definition(MODEL)
    store = open_feature_store(definition, features)
    service = store.get_feature_service(definition.contract.name)
    predictor = mlflow.pyfunc.load_model(str(model))
    log_file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    app = FastAPI()

    @app.post("/predict")
    def predict(question: Question) -> Answer:
        request = columns(question.rows)
        keys = {name: [key or "" for key in column] for name, column in definition.entity_keys(request).items()}
        found = store.get_online_features(features=service, entity_rows=keys).to_dict()
        looked_up = {
            feature.name: np.array([np.nan if value is None else value for value in found[feature.name]])
            for view in definition.views
            for feature in view.features
        }
        assembled = assemble(definition, request, looked_up)
        scores = predictor.predict(pd.DataFrame(assembled.matrix, columns=list(definition.vector)))
        predictions = [
            Prediction(
                prediction_id=uuid4().hex,
                probability=float(score),
                decision="likely_late" if score >= THRESHOLD else "likely_on_time",
                defaulted=[definition.vector[column] for column in np.flatnonzero(defaulted)],
            )
            for score, defaulted in zip(scores, assembled.defaulted, strict=True)
        ]
        served_at = datetime.now(UTC).isoformat()
        lines = [
            {"served_at": served_at, **flight.model_dump(mode="json"), **prediction.model_dump(), "features": vector}
            for flight, prediction, vector in zip(question.rows, predictions, assembled.matrix.tolist(), strict=True)
        ]
        os.write(log_file, "".join(json.dumps(line) + "\n" for line in lines).encode())
        return Answer(model=MODEL, predictions=predictions)

    @app.get("/health")
    def health() -> dict[str, bool]:
        return {"live": True}

    return app


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    app = build(options.features, options.model, options.log)
    uvicorn.run(app, host="127.0.0.1", port=options.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
