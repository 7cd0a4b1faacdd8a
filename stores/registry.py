"""The model registry: versions, their files and their tags, kept in MLflow."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from lifecycle.errors import ArtifactInvalid, InvalidInput, NotFound, SettingInvalid
from stores.mlflow_link import MlflowLink
from stores.registry_source import readable
from stores.registry_webhook import ensure_registered

BATCH = 500
"""Metrics per request; the server takes at most 1000."""
MOST_FILES = 1000
"""Files of one version; a model is a handful."""


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


@dataclass(frozen=True)
class Listed:
    """A version as the registry lists it; one that is not `ready` is still being written."""

    version: str
    tags: Mapping[str, str]
    ready: bool


class Registry:
    """Model versions in MLflow, at a server's address or, for one process alone, a database's.

    To register at a database address takes `artifacts`, the folder to keep files in; a server has its own.
    """

    def __init__(self, mlflow_uri: str, artifacts: Path | None = None) -> None:
        self._link = MlflowLink(mlflow_uri)
        self._artifacts = artifacts

    def register(self, record: VersionRecord) -> str:
        """Store a run with its model and return the new version's name, counted from "1"."""
        with self._link.translated(f"registering a version of {record.model}"):
            run = self._link.client.create_run(self._experiment(record.model), tags={**record.tags})
            run_id = run.info.run_id
            self._log_numbers(run_id, record)
            if record.figures is not None:
                self._link.client.log_artifacts(run_id, str(record.figures), "figures")
            stored = self._link.client.create_logged_model(run.info.experiment_id, record.model, run_id)
            self._link.client.log_model_artifacts(stored.model_id, str(record.folder))
            self._link.client.finalize_logged_model(stored.model_id, "READY")
            self._link.client.set_terminated(run_id)
            self._ensure_model(record.model)
            version = self._link.client.create_model_version(
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

        Raises NotFound for an unknown version, ArtifactInvalid when the registry has lost its files or keeps them where
        this installation cannot read.
        """
        import mlflow.artifacts  # noqa: PLC0415 - MLflow takes seconds to import

        with self._link.translated(f"fetching version {version} of {model}"):
            source = self._link.client.get_model_version_download_uri(model, version)
        whose = f"version {version} of {model}"
        try:
            with readable(whose, source), self._link.translated(f"downloading {whose}"):
                return Path(
                    mlflow.artifacts.download_artifacts(source, dst_path=str(into), tracking_uri=self._link.uri)
                )
        except NotFound as error:
            raise ArtifactInvalid(f"the files of {whose} are gone from {source}; register the version anew") from error

    def size(self, model: str, version: str) -> int:
        """Return the bytes of a version's files, without fetching them.

        Raises NotFound for an unknown version, InvalidInput for more than MOST_FILES files, and ArtifactInvalid when
        they lie where this installation cannot read.
        """
        from mlflow.artifacts import list_artifacts  # noqa: PLC0415 - MLflow takes seconds to import

        total, seen = 0, 0
        whose = f"version {version} of {model}"
        with self._link.translated(f"measuring {whose}"):
            source = self._link.client.get_model_version_download_uri(model, version)
        with readable(whose, source), self._link.translated(f"measuring {whose}"):
            waiting = [""]
            while waiting:
                folder = waiting.pop()
                where = f"{source}/{folder}" if folder else source
                for entry in list_artifacts(artifact_uri=where, tracking_uri=self._link.uri):
                    seen += 1
                    if seen > MOST_FILES:
                        raise InvalidInput(f"version {version} of {model} has more than {MOST_FILES} files")
                    total += entry.file_size or 0
                    if entry.is_dir:
                        waiting.append(f"{folder}/{PurePosixPath(entry.path).name}".lstrip("/"))
        return total

    def listed(self, model: str) -> tuple[Listed, ...]:
        """Return all versions of a model with their tags, oldest first; none when it has none."""
        found: list[Listed] = []
        token: str | None = None
        with self._link.translated(f"listing the versions of {model}"):
            while True:
                page = self._link.client.search_model_versions(f"name = '{model}'", 200, page_token=token)
                found += [Listed(str(one.version), dict(one.tags), one.status == "READY") for one in page]
                token = page.token
                if not token:
                    return tuple(sorted(found, key=lambda one: int(one.version)))

    def versions(self, model: str) -> tuple[str, ...]:
        """Return the names of all versions of a model, oldest first; none when it has none."""
        return tuple(one.version for one in self.listed(model))

    def tags(self, model: str, version: str) -> Mapping[str, str]:
        """Return a version's tags; raises NotFound."""
        with self._link.translated(f"reading version {version} of {model}"):
            return dict(self._link.client.get_model_version(model, version).tags)

    def set_tag(self, model: str, version: str, key: str, value: str) -> None:
        """Write a version's tag, for people to read in MLflow."""
        with self._link.translated(f"tagging version {version} of {model}"):
            self._link.client.set_model_version_tag(model, version, key, value)

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Point an alias such as `champion` at a version, for people to read in MLflow."""
        with self._link.translated(f"naming version {version} of {model} {alias}"):
            self._link.client.set_registered_model_alias(model, alias, version)

    def add_to_description(self, model: str, version: str, text: str) -> None:
        """Add a paragraph to a version's description, which MLflow shows on its page; never a second time."""
        with self._link.translated(f"describing version {version} of {model}"):
            said = self._link.client.get_model_version(model, version).description or ""
            if text not in said:
                self._link.client.update_model_version(model, version, f"{said}\n\n{text}".strip())

    def aliases(self, model: str) -> Mapping[str, str]:
        """Return the version that each alias of a model points at; none for an unknown model."""
        try:
            with self._link.translated(f"reading the aliases of {model}"):
                found = self._link.client.get_registered_model(model).aliases
        except NotFound:
            return {}
        return {alias: str(version) for alias, version in found.items()}

    def remove_alias(self, model: str, alias: str) -> None:
        """Take an alias away; one that is not there stays away."""
        with self._link.translated(f"removing the alias {alias} of {model}"):
            self._link.client.delete_registered_model_alias(model, alias)

    def ensure_webhook(self, url: str, secret: str) -> None:
        """Make the server call an address when a version is created; calling this again changes nothing."""
        ensure_registered(self._link, url, secret)

    def aliased(self, model: str, alias: str) -> str:
        """Return the version an alias points at; raises NotFound."""
        with self._link.translated(f"reading the alias {alias} of {model}"):
            return str(self._link.client.get_model_version_by_alias(model, alias).version)

    def _log_numbers(self, run_id: str, record: VersionRecord) -> None:
        from mlflow.entities import Metric, Param  # noqa: PLC0415 - MLflow takes seconds to import

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, step=0) for name, value in record.metrics.items()]
        for first in range(0, len(metrics), BATCH):
            self._link.client.log_batch(run_id, metrics=metrics[first : first + BATCH])
        self._link.client.log_batch(run_id, params=[Param(name, value) for name, value in record.parameters.items()])

    def _experiment(self, model: str) -> str:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415 - MLflow takes seconds to import

        known = self._link.client.get_experiment_by_name(model)
        if known is not None:
            return str(known.experiment_id)
        try:
            return str(self._link.client.create_experiment(model, artifact_location=self._artifact_location(model)))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return str(self._link.client.get_experiment_by_name(model).experiment_id)

    def _artifact_location(self, model: str) -> str | None:
        if urlsplit(self._link.uri).scheme in ("http", "https"):
            return None
        if self._artifacts is None:
            # MLflow's own choice would be ./mlruns, wherever the process happens to stand.
            raise SettingInvalid(
                f"the MLflow address {self._link.uri!r} is a database's, and no folder for artifacts was given; "
                "give one, or set HOLDFAST_MLFLOW_URI to a server's address"
            )
        return (self._artifacts / model).resolve().as_uri()

    def _ensure_model(self, model: str) -> None:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415 - MLflow takes seconds to import

        try:
            self._link.client.create_registered_model(model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
