"""Feast's objects, made from a model's definition, and the store that serves them.

Everything of a model lies under one folder: a registry file, the default online store, and the offline rows.
The registry file is named by the digest of what it describes. So opening a store that stands already reads
one small file and writes nothing, a changed definition gets its own registry, and no reader sees a half one.

Feast's SQLite store keeps timestamps as local time without an offset: processes in two zones would disagree by
hours, and where there is summer time, rows of the hour that spring skips are read an hour late. So it is opened in
UTC only.
"""

import hashlib
import json
import sqlite3
import threading
import time
from contextlib import AbstractContextManager, closing, nullcontext
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from feature_repo.definition import ModelDefinition
from feature_repo.feast_objects import feast_objects
from feature_repo.offline import prepare_offline
from lifecycle.errors import SettingInvalid

if TYPE_CHECKING:
    from feast import FeatureStore

READ_AT = datetime(2000, 1, 1, tzinfo=UTC)
"""When every registry claims to have been read. Feast remembers how it resolved feature names for one such moment
at a time, for the whole process; with two models of different moments, each call of one makes it forget the other's
(1.5 ms a call instead of 0.2). Our registry files never change, so the true moment says nothing."""

REDIS_SECONDS = 5
"""How long one word with Redis may take, so that a thread whose server went away without a word comes back."""


def open_feature_store(definition: ModelDefinition, root: Path, online: str = "sqlite") -> "FeatureStore":
    """Return the Feast store of a model under `root`/<model>/, with its objects applied.

    `online` is `sqlite` or `redis://[:password@]host:port[/database]`; raises SettingInvalid for anything else, and
    for `sqlite` in a process whose clock is not on UTC.
    """
    _require_utc(online)
    from feast import FeatureStore  # noqa: PLC0415 - five seconds that most commands never need

    folder = root.resolve() / definition.name
    registry = folder / f"registry-{_digest(definition, folder, online)}.db"
    online_store = _online_store(folder, online)
    if not registry.exists() or (online == "sqlite" and not _online_file(folder).exists()):
        _prepare(definition, folder, online)
        draft = registry.with_name(f"{uuid4().hex}.tmp")
        drafted = FeatureStore(config=_config(definition, folder, draft, online_store))
        drafted.apply(feast_objects(definition, folder))
        draft.replace(registry)
    store = FeatureStore(config=_config(definition, folder, registry, online_store))
    store.refresh_registry()
    store.registry.cached_registry_proto_created = READ_AT
    return store


def _require_utc(online: str) -> None:
    if online == "sqlite" and (time.timezone != 0 or time.daylight):
        raise SettingInvalid(
            f"this process runs in the time zone {'/'.join(time.tzname)}, where Feast's SQLite store mistakes times; "
            "start it with TZ=UTC, or use Redis (HOLDFAST_ONLINE_STORE=redis://host:port)"
        )


def online_errors(store: "FeatureStore") -> tuple[type[Exception], ...]:
    """Return what the store's online part raises when it cannot be reached, for those who call it to translate."""
    if store.config.online_store.type == "redis":
        from redis.exceptions import RedisError  # noqa: PLC0415 - only where Redis is in use

        return (RedisError,)
    return (sqlite3.Error,)


def reading_turn(store: "FeatureStore") -> AbstractContextManager[object]:
    """Return what each reader of the store's online part holds while it reads, for all that share the store.

    Feast has one SQLite connection for all threads. While one of them waits for the file, SQLite makes the others wait
    for the connection, some of them with Python's interpreter lock: then the whole process stands still.
    """
    return nullcontext() if store.config.online_store.type == "redis" else threading.Lock()


def _digest(definition: ModelDefinition, folder: Path, online: str) -> str:
    described = {
        "feast": version("feast"),
        "folder": str(folder),
        "online": online,
        "contract": definition.contract.name,
        "entities": dict(definition.entities),
        "views": [
            [
                view.name,
                view.entity,
                view.owner,
                view.description,
                view.freshness_limit.total_seconds(),
                [[feature.name, feature.description, feature.default] for feature in view.features],
            ]
            for view in definition.views
        ],
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]


def _prepare(definition: ModelDefinition, folder: Path, online: str) -> None:
    """Make the offline folders and an online file in WAL mode."""
    for view in definition.views:
        prepare_offline(folder, view)
    if online == "sqlite":
        with closing(sqlite3.connect(_online_file(folder))) as connection:
            # Gateways read while a flow writes; in WAL mode neither waits for the other.
            connection.execute("PRAGMA journal_mode=WAL")


def _config(definition: ModelDefinition, folder: Path, registry: Path, online_store: dict[str, str]) -> object:
    from feast import RepoConfig  # noqa: PLC0415 - as above
    from feast.repo_config import RegistryConfig  # noqa: PLC0415 - as above

    return RepoConfig(
        project=definition.name,
        provider="local",
        repo_path=folder,
        registry=RegistryConfig(path=str(registry), cache_ttl_seconds=0),
        offline_store={"type": "duckdb"},
        online_store=online_store,
        entity_key_serialization_version=3,
    )


def _online_file(folder: Path) -> Path:
    return folder / "online.db"


def _online_store(folder: Path, online: str) -> dict[str, str]:
    if online == "sqlite":
        return {"type": "sqlite", "path": str(_online_file(folder))}
    address = urlsplit(online)
    if address.scheme != "redis" or address.hostname is None:
        shown = online.replace(address.password, "***") if address.password else online
        raise SettingInvalid(f"HOLDFAST_ONLINE_STORE is {shown!r}; use sqlite or redis://host:port")
    patience = [f"{name}={REDIS_SECONDS}" for name in ("socket_timeout", "socket_connect_timeout")]
    parts = [f"{address.hostname}:{address.port or 6379}", *patience]
    if address.password:
        parts.append(f"password={unquote(address.password)}")
    if address.path.strip("/"):
        parts.append(f"db={address.path.strip('/')}")
    return {"type": "redis", "connection_string": ",".join(parts)}
