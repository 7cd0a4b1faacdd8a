"""Put a candidate into the registry: its files, figures, numbers and lineage, as one version."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from flows.training.booster import total_gains
from flows.training.candidate import Candidate
from flows.training.example import draw_example
from flows.training.figures import draw_figures
from flows.training.lineage import lineage
from flows.training.package import draw_profile, write_package
from flows.training.rivals import RivalScores
from flows.training.small import small_metrics, write_small
from lifecycle.evaluation import Evaluation
from lifecycle.manifest import Example, Manifest, SmallModel
from lifecycle.stages import Stage
from stores.registry import Registry, VersionRecord


def register_candidate(
    candidate: Candidate,
    rivals: RivalScores,
    evaluation: Evaluation,
    registry: Registry,
    origin: Mapping[str, str] | None = None,
) -> tuple[str, Manifest]:
    """Store a candidate as a new version, stage "registered", and return the version's name and manifest.

    `origin` are further tags, such as which training it came from.

    Until the gate has judged it, it is tagged so, and nobody else picks it up.
    """
    definition, policy, rows = candidate.definition, candidate.policy, candidate.rows
    with TemporaryDirectory(prefix="holdfast-training-") as scratch:
        folder, figures = Path(scratch) / "version", Path(scratch) / "figures"
        example = draw_example(definition.contract, rows.judge, candidate.scores)
        manifest = write_package(
            folder,
            definition,
            candidate.booster,
            example=example,
            profile=draw_profile(definition, rows, candidate.scores),
            evaluation=evaluation,
            write_beside=lambda into: _small(candidate, example, into),
        )
        named = {rival.replace("_", " "): scores for rival, scores in rivals.scores.items()}
        scores = {"candidate": candidate.scores, **named}
        draw_figures(figures, rows.judge.labels, scores, total_gains(candidate.booster), policy)
        version = registry.register(
            VersionRecord(
                model=definition.name,
                folder=folder,
                figures=figures,
                parameters=_parameters(candidate),
                metrics=flat_metrics(evaluation) | _small_metrics(candidate),
                tags={
                    **(origin or {}),
                    **lineage(definition, policy, rows),
                    "artifact_sha256": manifest.artifact_digest,
                    "stage": Stage.REGISTERED,
                    "gate": "pending",
                },
            )
        )
    return version, manifest


def _small(candidate: Candidate, example: Example, into: Path) -> SmallModel | None:
    if candidate.small is None:
        return None
    features = np.array(example.features, dtype=np.float32)
    return write_small(into, candidate.small, candidate.rows.judge, candidate.scores, features)


def _small_metrics(candidate: Candidate) -> dict[str, float]:
    if candidate.small is None:
        return {}
    return small_metrics(candidate.small, candidate.rows.judge, candidate.scores, candidate.policy)


def flat_metrics(evaluation: Evaluation) -> dict[str, float]:
    """Return every defined metric by a path such as candidate/auc or candidate/carrier/UA/auc."""
    flat: dict[str, float] = {}
    for scorer, measured in evaluation.scorers().items():
        groups = {scorer: measured.overall} | {
            f"{scorer}/{name}/{value}": metrics
            for name, by_value in measured.slices.items()
            for value, metrics in by_value.items()
        }
        for path, metrics in groups.items():
            flat |= {f"{path}/{name}": float(value) for name, value in metrics if value is not None}
    return flat


def _parameters(candidate: Candidate) -> dict[str, str]:
    training = candidate.policy.training.model_dump()
    grown, small = training.pop("parameters"), training.pop("small") or {}
    both = training | grown | {f"small_{name}": value for name, value in small.items()}
    return {name: json.dumps(value) for name, value in both.items()}
