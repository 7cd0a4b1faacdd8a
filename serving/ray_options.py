"""Everything Ray is told through its environment, in one place; it must be set before `ray` is imported.

Names and meanings: ray/serve/_private/constants.py of Ray 2.60. `HOLDFAST_RAY_PORT_BASE` begins a block of
PORTS ports; two gateways on one machine need blocks that do not overlap.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path

from stores.settings import Settings

PORTS = 100
HAPROXY_METRICS, HAPROXY_STATS, FALLBACK_HTTP, FALLBACK_GRPC = range(4)
REPLICA_HTTP = range(20, 60)
REPLICA_GRPC = range(60, 100)
"""Offsets within the block."""

REPLAYED = "conn-failure empty-response junk-response response-timeout"
"""What makes HAProxy send a request once more, to another replica: the death of the one that had it.

A replica's own 503 is not in the list: that is how it sheds load, and replaying it would add to the load.
"""
REPLAYABLE_BYTES = 131_072
"""HAProxy can replay a request that fits its buffer, head included."""
LOAD_SECONDS = 2
DRAIN_SECONDS = 1
"""How long a replica that is to stop keeps answering while HAProxy learns of it."""


def ray_environment(chosen: Settings, scratch: Path, haproxy: Path | None) -> Mapping[str, str]:
    """Return the environment for Ray and its workers; without HAProxy, Ray's default proxy answers.

    `scratch` is a private folder with a short path.

    Unix sockets live in it, whose paths may have 107 characters, 67 of which HAProxy's manager adds.
    """
    base = chosen.ray_port_base
    return {
        "RAY_USAGE_STATS_ENABLED": "0",
        # Ray puts its workers behind every other program; these are the ones that clients wait for.
        "RAY_worker_niceness": "0",
        # A killed replica cannot clear up what its libraries put there; with the scratch folder it goes.
        "TMPDIR": str(scratch),
        # Ray's own ports listen on every interface, so they take a token, which dies with the cluster.
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        "RAY_SERVE_ENABLE_HA_PROXY": "0" if haproxy is None else "1",
        "RAY_SERVE_HAPROXY_BINARY_PATH": "" if haproxy is None else str(haproxy),
        "RAY_SERVE_HAPROXY_NBTHREAD": "1",
        "RAY_SERVE_HAPROXY_RETRY_ON": REPLAYED,
        "RAY_SERVE_HAPROXY_TUNE_BUFSIZE": str(REPLAYABLE_BYTES),
        # Its per-request metrics cost a Python call per request; the gateway keeps its own.
        "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(base + HAPROXY_METRICS),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(base + HAPROXY_STATS),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(scratch / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(scratch / "admin.sock"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(scratch / "metrics.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(scratch),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(scratch / "server-state"),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(base + FALLBACK_HTTP),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(base + FALLBACK_GRPC),
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(base + REPLICA_HTTP.start),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(base + REPLICA_HTTP.stop - 1),
        "RAY_SERVE_DIRECT_INGRESS_MIN_GRPC_PORT": str(base + REPLICA_GRPC.start),
        "RAY_SERVE_DIRECT_INGRESS_MAX_GRPC_PORT": str(base + REPLICA_GRPC.stop - 1),
        # What a replica says about its load is what the number of replicas follows; by default it would be 10 s old.
        "RAY_SERVE_AUTOSCALING_METRIC_RECORD_INTERVAL_FACTOR": "0.1",
        "RAY_SERVE_REPLICA_AUTOSCALING_METRIC_PUSH_INTERVAL_S": str(LOAD_SECONDS),
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": str(DRAIN_SECONDS),
    }
