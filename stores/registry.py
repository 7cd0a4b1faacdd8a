"""The model registry: versions, their files and their tags, kept in MLflow."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lifecycle.errors import ArtifactInvalid, InvalidInput, NotFound, SettingInvalid, Unavailable

if TYPE_CHECKING:
    from mlflow import MlflowClient

REQUEST_SECONDS = 20
"""Longest silence of the server within one request; MLflow's own default is two minutes."""
RETRIES = 2
"""Repeats of one failed request, 2 s apart; MLflow's own default of 7 takes four minutes."""
BATCH = 500
"""Metrics per request; the server takes at most 1000."""


@dataclass(frozen=True)
class VersionRecord:
    """Everything stored with a new version.

    `folder` holds the version's files, `MLmodel` among them; `figures` is a folder of pictures for
    people, or None. `metrics` are finite numbers.
    """

    model: str
    folder: Path
    figures: Path | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


class Registry:
    """Model versions in MLflow, at a server's address or, for one process alone, a database's.

    To register at a database address takes `artifacts`, the folder to keep files in; a server has its own.
    """

    def __init__(self, mlflow_uri: str, artifacts: Path | None = None) -> None:
        self._uri = mlflow_uri
        self._artifacts = artifacts

    def register(self, record: VersionRecord) -> str:
        """Store a run with its model and return the new version's name, counted from "1"."""
        with self._translated(f"registering a version of {record.model}"):
            run = self._client.create_run(self._experiment(record.model), tags={**record.tags})
            run_id = run.info.run_id
            self._log_numbers(run_id, record)
            if record.figures is not None:
                self._client.log_artifacts(run_id, str(record.figures), "figures")
            stored = self._client.create_logged_model(run.info.experiment_id, record.model, run_id)
            self._client.log_model_artifacts(stored.model_id, str(record.folder))
            self._client.finalize_logged_model(stored.model_id, "READY")
            self._client.set_terminated(run_id)
            self._ensure_model(record.model)
            version = self._client.create_model_version(
                record.model,
                stored.artifact_location,
                run_id,
                tags={**record.tags},
                await_creation_for=0,
                model_id=stored.model_id,
            )
            return str(version.version)

    def fetch(self, model: str, version: str, into: Path) -> Path:
        """Download a version's files into a folder and return the folder they lie in.

        Raises NotFound for an unknown version, ArtifactInvalid when the registry has lost its files.
        """
        import mlflow.artifacts  # noqa: PLC0415 - MLflow takes seconds to import

        with self._translated(f"fetching version {version} of {model}"):
            source = self._client.get_model_version_download_uri(model, version)
        try:
            with self._translated(f"downloading version {version} of {model}"):
                return Path(mlflow.artifacts.download_artifacts(source, dst_path=str(into), tracking_uri=self._uri))
        except NotFound as error:
            raise ArtifactInvalid(
                f"the files of version {version} of {model} are gone from {source}; register the version anew"
            ) from error

    def versions(self, model: str) -> tuple[str, ...]:
        """Return the names of all versions of a model, oldest first; none when it has none."""
        with self._translated(f"listing the versions of {model}"):
            found = self._client.search_model_versions(f"name = '{model}'", max_results=1000)
        return tuple(sorted((str(version.version) for version in found), key=int))

    def tags(self, model: str, version: str) -> Mapping[str, str]:
        """Return a version's tags; raises NotFound."""
        with self._translated(f"reading version {version} of {model}"):
            return dict(self._client.get_model_version(model, version).tags)

    def set_tag(self, model: str, version: str, key: str, value: str) -> None:
        """Write a version's tag, for people to read in MLflow."""
        with self._translated(f"tagging version {version} of {model}"):
            self._client.set_model_version_tag(model, version, key, value)

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Point an alias such as `champion` at a version, for people to read in MLflow."""
        with self._translated(f"naming version {version} of {model} {alias}"):
            self._client.set_registered_model_alias(model, alias, version)

    def aliased(self, model: str, alias: str) -> str:
        """Return the version an alias points at; raises NotFound."""
        with self._translated(f"reading the alias {alias} of {model}"):
            return str(self._client.get_model_version_by_alias(model, alias).version)

    @cached_property
    def _client(self) -> "MlflowClient":
        from mlflow import MlflowClient, environment_variables  # noqa: PLC0415 - MLflow takes seconds to import

        # MLflow knows these limits as variables only; what a person has set in the shell stands.
        for option, value in (
            (environment_variables.MLFLOW_HTTP_REQUEST_MAX_RETRIES, RETRIES),
            (environment_variables.MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR, 1),
            (environment_variables.MLFLOW_HTTP_REQUEST_TIMEOUT, REQUEST_SECONDS),
            (environment_variables.MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR, False),
            (environment_variables.MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT, True),
        ):
            if not option.is_set():
                option.set(value)
        return MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)

    def _log_numbers(self, run_id: str, record: VersionRecord) -> None:
        from mlflow.entities import Metric, Param  # noqa: PLC0415 - MLflow takes seconds to import

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, step=0) for name, value in record.metrics.items()]
        for first in range(0, len(metrics), BATCH):
            self._client.log_batch(run_id, metrics=metrics[first : first + BATCH])
        self._client.log_batch(run_id, params=[Param(name, value) for name, value in record.parameters.items()])

    def _experiment(self, model: str) -> str:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415 - MLflow takes seconds to import

        known = self._client.get_experiment_by_name(model)
        if known is not None:
            return str(known.experiment_id)
        try:
            return str(self._client.create_experiment(model, artifact_location=self._artifact_location(model)))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return str(self._client.get_experiment_by_name(model).experiment_id)

    def _artifact_location(self, model: str) -> str | None:
        if urlsplit(self._uri).scheme in ("http", "https"):
            return None
        if self._artifacts is None:
            # MLflow's own choice would be ./mlruns, wherever the process happens to stand.
            raise SettingInvalid(
                f"the MLflow address {self._uri!r} is a database's, and no folder for artifacts was given; "
                "give one, or set HOLDFAST_MLFLOW_URI to a server's address"
            )
        return (self._artifacts / model).resolve().as_uri()

    def _ensure_model(self, model: str) -> None:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415 - MLflow takes seconds to import

        try:
            self._client.create_registered_model(model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415 - MLflow takes seconds to import

        try:
            yield
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
                raise NotFound(f"{doing}: {error.message} at {self._uri}") from error
            if error.error_code in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST"):
                raise InvalidInput(f"{doing} at {self._uri}: {error.message}") from error
            raise Unavailable(f"{doing} failed at {self._uri}: {error.message}. Is MLflow running?") from error
        except OSError as error:
            raise Unavailable(f"{doing} failed at {self._uri}: {error}. Is MLflow running?") from error
