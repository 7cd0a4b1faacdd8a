"""The settings, read from HOLDFAST_… variables. No other module reads the environment."""

import ipaddress
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from lifecycle.errors import SettingInvalid


class Settings(BaseSettings):
    """Where things live and listen. Every default suits one machine; see docs/settings.md."""

    model_config = SettingsConfigDict(env_prefix="HOLDFAST_", frozen=True, extra="ignore")

    home: Path = Path(".holdfast")
    policies: Path = Path("policies")

    host: str = "127.0.0.1"
    http_port: int = Field(8000, ge=1, le=65535)
    mlflow_port: int = Field(5000, ge=1, le=65535)
    prefect_port: int = Field(4200, ge=1, le=65535)
    ray_port_base: int = Field(18600, ge=1024, le=65000)
    """First of the block of ports that Ray Serve's proxy, replicas and metrics use."""

    ledger_url: SecretStr | None = None
    """SQLAlchemy address of the ledger; by default an SQLite file in the state folder."""
    mlflow_uri: str | None = None
    """An MLflow server that already runs; by default `make run` starts one."""
    prefect_api_url: str | None = None
    online_store: str = "sqlite"
    """`sqlite`, or `redis://host:port` for Feast's Redis store."""
    actor: str | None = None
    """The name a person acts under; by default the system's user. What it may do stands in the policy."""
    webhook_secret: SecretStr | None = None
    """What an MLflow server signs its calls with; by default drawn once and kept in the state folder."""
    log_key: SecretStr | None = None
    """What values that the policy lets the log keep only as a hash are hashed with; by default drawn once and kept."""
    webhook_signing_secret: SecretStr | None = None
    """What messages to the webhooks of jobs are signed with; by default drawn once and kept in the state folder."""
    webhook_allow_private: bool = False
    """Lets webhooks be at private addresses and without TLS: for trials and closed networks."""
    jobs: Literal["ledger", "celery"] = "ledger"
    """Who hands out jobs: the gateways by the ledger, or Celery through Ray Serve's task consumer."""
    jobs_broker: SecretStr | None = None
    """Celery's broker, such as `redis://host:port/0`."""
    ray_address: str = "local"
    """`local` starts Ray; anything else is an address for `ray.init`."""
    logical_gpus: int | None = Field(None, ge=0)
    """GPUs that a Ray started here hands out, instead of those it finds: only for trying out how they are shared."""

    auth: Literal["open", "required"] = "open"
    """`open` lets in everybody who can reach the gateway, which must listen on loopback; `required` asks for keys."""
    key: SecretStr | None = None
    """The API key that a person acts by in the console."""
    request_seconds: int = Field(10, ge=1, le=300)
    """How long a client may take to send a request."""
    max_headers: int = Field(64, ge=8, le=100)
    max_header_bytes: int = Field(16_384, ge=1024, le=65_536)
    """How many headers a request may have, and how many bytes, names and values together."""
    replica_requests: int = Field(32, ge=1, le=4096)
    """How many requests a replica works on at once; more wait before it, the most urgent first."""
    waiting_requests: int = Field(1024, ge=4, le=100_000)
    """How many requests may wait before the replicas; see docs/tenants.md for whose turn it is."""

    @field_validator("home", "policies")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().resolve()

    @property
    def ledger_address(self) -> str:
        """SQLAlchemy address of the ledger."""
        if self.ledger_url is not None:
            return self.ledger_url.get_secret_value()
        return f"sqlite:///{self.home / 'ledger.db'}"

    @property
    def mlflow_address(self) -> str:
        """Address of the MLflow server."""
        return self.mlflow_uri or f"http://{self.host}:{self.mlflow_port}"

    @property
    def prefect_address(self) -> str:
        """Address of the Prefect API."""
        return self.prefect_api_url or f"http://{self.host}:{self.prefect_port}/api"

    @property
    def http_address(self) -> str:
        """Address of the serving endpoint."""
        return f"http://{self.host}:{self.http_port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach what listens on `host`."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def require_door(self) -> None:
        """Raise SettingInvalid when everybody on the network could come in without a key."""
        if self.auth == "open" and not self.is_loopback:
            raise SettingInvalid(
                f"HOLDFAST_HOST is {self.host!r}, which other machines can reach, and HOLDFAST_AUTH is 'open', which "
                "lets everybody in; set HOLDFAST_AUTH=required and give out keys with `holdfast tenants`, or listen on "
                "127.0.0.1"
            )

    @property
    def roster(self) -> Path:
        """File with the local copy of who may come in."""
        return self.home / "tenants.json"

    @property
    def events(self) -> Path:
        """Folder of the event tables."""
        return self.home / "events"

    @property
    def quarantine(self) -> Path:
        """Folder of the rows that were refused."""
        return self.home / "quarantine"

    @property
    def features(self) -> Path:
        """Folder of Feast's registry, offline files and default online store."""
        return self.home / "features"

    @property
    def prediction_log(self) -> Path:
        """Folder of the prediction log: open segments and the Delta table."""
        return self.home / "predictions"

    @property
    def captures(self) -> Path:
        """Folder of the rows around each moment at which a version's answers were stopped."""
        return self.home / "captures"

    @property
    def versions(self) -> Path:
        """Folder of local copies of model versions and of the last plan."""
        return self.home / "versions"

    @property
    def run(self) -> Path:
        """Folder of process records and their logs."""
        return self.home / "run"


@cache
def settings() -> Settings:
    """Return the process's settings, read once.

    Raises SettingInvalid naming the variable, its value and what is allowed.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "HOLDFAST_" + str(first["loc"][0]).upper()
        raise SettingInvalid(f"{name} is {first['input']!r}: {first['msg']}. Change or unset it.") from error
