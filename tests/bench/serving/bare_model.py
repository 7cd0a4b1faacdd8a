"""FastAPI around the bare booster: ready-made feature vectors in, probabilities out, nothing checked or logged."""

import argparse
from pathlib import Path

import numpy as np
import uvicorn
import xgboost
from fastapi import FastAPI
from pydantic import BaseModel


class Question(BaseModel):
    """Feature vectors in the order the model was trained on."""

    rows: list[list[float]]


class Answer(BaseModel):
    """Probabilities in the order of the vectors."""

    probabilities: list[float]


def build(model_file: Path) -> FastAPI:
    """Return the application with the booster loaded."""
    booster = xgboost.Booster(params={"nthread": 1}, model_file=model_file)
    app = FastAPI()

    @app.post("/predict")
    async def predict(question: Question) -> Answer:
        scores = booster.inplace_predict(np.array(question.rows, dtype=np.float32))
        return Answer(probabilities=scores.tolist())

    @app.get("/health")
    async def health() -> dict[str, bool]:
        return {"live": True}

    return app


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-file", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    uvicorn.run(build(options.model_file), host="127.0.0.1", port=options.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
