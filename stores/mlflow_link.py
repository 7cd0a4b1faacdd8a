"""The way to MLflow: its client, with limits of its own on waiting, and its errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from lifecycle.errors import InvalidInput, NotFound, Unavailable

if TYPE_CHECKING:
    from mlflow import MlflowClient

REQUEST_SECONDS = 20
"""Longest silence of the server within one request; MLflow's own default is two minutes."""
RETRIES = 2
"""Repeats of one failed request, 2 s apart; MLflow's own default of 7 takes four minutes."""


class MlflowLink:
    """MLflow at a server's address or a database's."""

    def __init__(self, mlflow_uri: str) -> None:
        self.uri = mlflow_uri

    @cached_property
    def client(self) -> "MlflowClient":
        """MLflow's client; importing it takes seconds."""
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
        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    @contextmanager
    def translated(self, doing: str) -> Iterator[None]:
        """Raise MLflow's errors within as NotFound, InvalidInput or Unavailable, naming what was being done."""
        from mlflow.exceptions import MlflowException  # noqa: PLC0415 - MLflow takes seconds to import

        try:
            yield
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
                raise NotFound(f"{doing}: {error.message} at {self.uri}") from error
            if error.error_code in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST"):
                raise InvalidInput(f"{doing} at {self.uri}: {error.message}") from error
            raise Unavailable(f"{doing} failed at {self.uri}: {error.message}. Is MLflow running?") from error
        except OSError as error:
            raise Unavailable(f"{doing} failed at {self.uri}: {error}. Is MLflow running?") from error
