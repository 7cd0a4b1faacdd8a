"""Where a version's files lie, and whether this installation has what it takes to read there."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from lifecycle.errors import ArtifactInvalid

ALWAYS_READABLE = frozenset({"", "file", "runs", "models", "mlflow-artifacts", "http", "https"})
"""Schemes that MLflow reads by itself; every other one takes a library of its own."""
SERVED_BY_MLFLOW = "/mlflow-artifacts/artifacts"
"""What every HTTP address of a version's files has in it; no other is one of MLflow's."""


@contextmanager
def readable(whose: str, source: str) -> Iterator[None]:
    """Let files be read from a source; raise ArtifactInvalid when this installation never can, however often it asks.

    A store that is merely away raises as ever. `whose` is the version, in words.
    """
    from mlflow.store.artifact.artifact_repository_registry import (  # noqa: PLC0415 - MLflow takes seconds to import
        get_registered_artifact_repositories,
    )

    address = urlsplit(source)
    known = get_registered_artifact_repositories()
    # MLflow takes s3+path:// and the like for s3://.
    scheme = address.scheme.partition("+")[0]
    if scheme not in known:
        raise _unreadable(whose, source, f"it knows no {scheme}: addresses")
    if scheme in ("http", "https") and SERVED_BY_MLFLOW not in address.path:
        raise _unreadable(whose, source, "that is no address of an MLflow server's artifacts")
    try:
        yield
    except ImportError as error:
        if scheme in ALWAYS_READABLE:
            raise
        raise _unreadable(whose, source, str(error)) from error


def _unreadable(whose: str, source: str, why: str) -> ArtifactInvalid:
    return ArtifactInvalid(
        f"the files of {whose} lie at {source}, where this installation cannot read: {why}. Register the files in this "
        "MLflow, as log_model does with registered_model_name"
    )
