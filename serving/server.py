"""The serving process: `python -m serving.server` starts Ray Serve, says when it is ready, and stops cleanly.

It writes `<home>/run/serving.json` once the endpoint answers, and removes it when it stops.
"""

import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import structlog

from lifecycle.errors import HoldfastError, Unavailable
from serving.haproxy import find_haproxy, wrap_haproxy
from serving.haproxy_rules import Waiting
from serving.policy_files import valid_policies
from serving.ports import require_free
from serving.ray_options import FALLBACK_HTTP, HAPROXY_METRICS, HAPROXY_STATS, ray_environment
from stores.ledger.opening import open_ledger
from stores.ledger.scalings import Scaling, record_quietly
from stores.settings import Settings, settings

log = structlog.get_logger()

QUEUE_SECONDS = 5
"""How long a request may wait before the replicas until HAProxy answers for them."""
READY_FILE = "serving.json"
LOCAL = "local"
LOOPBACK = "127.0.0.1"
OBJECT_STORE_BYTES = 100 * 1024 * 1024
"""Nothing large goes through Ray's object store here; its own default is a third of the memory."""


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the process's exit status."""
    stop = threading.Event()
    _heed_signals(stop)
    # Short, because sockets with long names live in it; private, because one of them rules the proxy.
    scratch = Path(tempfile.mkdtemp(prefix="holdfast-"))
    try:
        serve_until(stop, settings(), scratch)
    except HoldfastError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


def serve_until(stop: threading.Event, chosen: Settings, scratch: Path) -> None:
    """Start the endpoint and keep it up until `stop` is set.

    Raises SettingInvalid when a port is taken, or everybody on the network could come in without a key.
    """
    chosen.require_door()
    require_free(chosen.host, chosen.http_port, "HOLDFAST_HTTP_PORT")
    for offset in (HAPROXY_METRICS, HAPROXY_STATS, FALLBACK_HTTP):
        require_free(LOOPBACK, chosen.ray_port_base + offset, "HOLDFAST_RAY_PORT_BASE")
    migrate_ledger(chosen.ledger_address)
    if chosen.ray_address == LOCAL:
        # A cluster that runs already has its own environment; docs/settings.md says what it needs.
        os.environ.update(ray_environment(chosen, scratch, _proxy(chosen, scratch)))
        # Ray's processes read the settings, too, wherever they are started.
        os.environ["HOLDFAST_HOME"] = str(chosen.home)
    _start(chosen, scratch, stop)
    ready = chosen.run / READY_FILE
    try:
        _announce(ready, chosen)
        stop.wait()
    finally:
        ready.unlink(missing_ok=True)
        _stop()


def migrate_ledger(address: str) -> None:
    """Bring the ledger's tables up to date, or warn that it is away: what this machine holds can serve without."""
    try:
        open_ledger(address).dispose()
    except Unavailable as error:
        log.warning("ledger_away", error=str(error), means="the last plans and versions on this machine serve")


def _heed_signals(stop: threading.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())


def _proxy(chosen: Settings, scratch: Path) -> Path | None:
    binary = find_haproxy()
    if binary is None:
        log.warning("haproxy_missing", means="Ray's default proxy answers, at about a tenth of the throughput")
        return None
    base = chosen.ray_port_base
    waiting = Waiting(
        request_seconds=chosen.request_seconds,
        queue_seconds=QUEUE_SECONDS,
        queued=chosen.waiting_requests,
        at_once=chosen.replica_requests,
    )
    return wrap_haproxy(binary, scratch, base + HAPROXY_STATS, base + HAPROXY_METRICS, waiting)


def _start(chosen: Settings, scratch: Path, stop: threading.Event) -> None:
    # Ray reads its environment when it is imported, so not before it is set.
    import ray  # noqa: PLC0415 - as above
    from ray import serve  # noqa: PLC0415 - as above
    from ray.serve.config import HTTPOptions  # noqa: PLC0415 - as above
    from ray.serve.schema import LoggingConfig  # noqa: PLC0415 - as above

    from serving.app import GATEWAY, NAME, build  # noqa: PLC0415 - as above
    from serving.demand import demand_of, require_reachable  # noqa: PLC0415 - as above

    policies = valid_policies(chosen.policies)
    demand = demand_of(policies)
    require_reachable(policies, chosen.replica_requests)
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    if chosen.ray_address == LOCAL:
        ray.init(
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            logging_level="WARNING",
            log_to_driver=False,
            num_gpus=chosen.logical_gpus,
            _node_ip_address=chosen.host,
            _temp_dir=str(scratch / "ray"),
        )
    else:
        ray.init(chosen.ray_address, logging_level="WARNING", log_to_driver=False)
    # Ray has put its own handlers in place, which print a stack trace and leave its processes behind.
    _heed_signals(stop)
    if chosen.ray_address == LOCAL:
        # A cluster elsewhere may grow; this machine does not.
        demand.require_there(ray.cluster_resources())
    quiet = LoggingConfig(log_level="WARNING", enable_access_log=False)
    serve.start(http_options=HTTPOptions(host=chosen.host, port=chosen.http_port), logging_config=quiet)
    serve.run(build(chosen), name=NAME, route_prefix="/")
    started = Scaling(
        datetime.now(UTC), 0, demand.minimum, demand.minimum, demand.maximum, reason="the gateway was started"
    )
    record_quietly(started, chosen.ledger_address)
    if chosen.jobs == "celery":
        from serving.jobs import consumer  # noqa: PLC0415 - as above

        serve.run(consumer.build_consumer(chosen, NAME, GATEWAY), name=consumer.NAME, route_prefix=None)


def _stop() -> None:
    import ray  # noqa: PLC0415 - imported by now
    from ray import serve  # noqa: PLC0415 - as above

    # Ray kills its controller, hears of its death and reports it as a failure; failures that matter raise.
    with redirect_stderr(StringIO()), redirect_stdout(StringIO()):
        serve.shutdown()
        ray.shutdown()


def _announce(ready: Path, chosen: Settings) -> None:
    ready.parent.mkdir(parents=True, exist_ok=True)
    said = {"pid": os.getpid(), "address": chosen.http_address, "since": datetime.now(UTC).isoformat()}
    part = ready.with_suffix(".part")
    part.write_text(json.dumps(said), encoding="utf-8")
    part.replace(ready)
    log.info("serving", address=chosen.http_address)


if __name__ == "__main__":
    sys.exit(main())
